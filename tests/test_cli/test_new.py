"""mmvmr new: names, and what is written."""

import pytest
from mmengine.config import Config

from mmvmr.cli.main import main


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('my-project', 'expected the name of a package'),
        ('../up', 'expected the name of a package'),
        ('json', 'a package of this name exists already'),
        ('there', 'there: exists already'),
    ],
)
def test_names_that_are_refused(name, expected, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'there').mkdir()
    with pytest.raises(SystemExit) as stop:
        main(['new', name])
    assert stop.value.code == 2
    assert expected in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ['there']


def test_nothing_is_called_like_the_example(tmp_path):
    assert main(['new', 'dog_finder', '--out', str(tmp_path / 'made')]) == 0
    files = {p.relative_to(tmp_path / 'made').as_posix() for p in (tmp_path / 'made').rglob('*') if p.is_file()}
    assert {'dog_finder/__init__.py', 'configs/gated_synthetic.py', 'pyproject.toml', 'README.md'} < files
    assert not [name for name in files if 'example' in (tmp_path / 'made' / name).read_text()]
    cfg = Config.fromfile(tmp_path / 'made/configs/gated_synthetic.py', import_custom_modules=False)
    assert cfg.custom_imports.imports == ['dog_finder']
    assert cfg.model.encoder.type == 'GatedMeanEncoder'
