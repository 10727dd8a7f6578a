"""The data pipeline equals the published one, number by number."""

import json

import pytest

from parity.comparison import check_data
from parity.methods import RECORDINGS


@pytest.fixture(params=['moment_detr', 'qd_detr'])
def folder(request, shared_dir):
    path = shared_dir / 'parity' / request.param
    if not (path / 'draws.json').is_file():
        pytest.skip(f'{path} absent')
    return path


def _copy(folder, target):
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return json.loads((folder / 'config.json').read_text())


def test_inputs_and_targets_are_equal(folder):
    config = json.loads((folder / 'config.json').read_text())
    group = check_data(RECORDINGS[folder.name], folder, config)
    assert group.passed, (group.worst, group.where, group.missing)
    assert group.count >= 8


def test_a_changed_annotation_is_noticed(folder, tmp_path):
    config = _copy(folder, tmp_path)
    rows = json.loads((tmp_path / 'annotations.json').read_text())
    rows[0]['relevant_windows'][0][1] += 2
    (tmp_path / 'annotations.json').write_text(json.dumps(rows))
    group = check_data(RECORDINGS[folder.name], tmp_path, config)
    assert not group.passed
    assert group.where == 'spans_cat'


def test_other_draws_are_refused(folder, tmp_path):
    config = _copy(folder, tmp_path)
    draws = json.loads((tmp_path / 'draws.json').read_text())
    draws[0][0]['pop'] = draws[0][0]['pop'][1:]
    (tmp_path / 'draws.json').write_text(json.dumps(draws))
    with pytest.raises(ValueError, match='draws otherwise than recorded'):
        check_data(RECORDINGS[folder.name], tmp_path, config)
