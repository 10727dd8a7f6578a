"""Metafiles, README tables and models say the same."""

import re
import sys
from pathlib import Path

import pytest
import torch
import yaml
from mmengine.config import Config

import mmvmr.models  # noqa: F401
from mmvmr.registry import MODELS

REPO = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPO / 'tools' / 'analysis_tools'))
import model_tables  # noqa: E402
from doc_sections import section, update  # noqa: E402

INDEX = yaml.safe_load((REPO / 'model-index.yml').read_text(encoding='utf-8'))['Import']
FILES = {path.parent.name: content for path, content in model_tables.metafiles().items()}
ENTRIES = [(method, model) for method, content in FILES.items() for model in content['Models']]
#: Folders of configs that are no methods.
NO_METHODS = {'_base_', 'baselines', 'features', 'grids', 'mmvmr'}
COLLECTION = {
    'Name': str,
    'Metadata': dict,
    'Paper': dict,
    'Official Code': (str, type(None)),
    'README': str,
    'Code': str,
}
MODEL = {'Name': str, 'In Collection': str, 'Config': str, 'Metadata': dict, 'Results': list}
RESULT = {
    'Dataset': str,
    'Source': (str, type(None)),
    'Published': (dict, type(None)),
    'Official': (dict, type(None)),
    'Here': (dict, type(None)),
}


def check(value, schema, where):
    assert set(value) == set(schema), where
    for key, kind in schema.items():
        assert isinstance(value[key], kind), (where, key)


def read_table(text):
    """Rows of the first Markdown table, as dicts."""
    lines = [line for line in text.splitlines() if line.startswith('|')]
    cells = [[cell.strip() for cell in line.strip('|').split('|')] for line in lines]
    return [dict(zip(cells[0], row)) for row in cells[2:]]


def names(cell):
    return re.findall(r'\[([\w+]+)\]', cell)


def test_index_names_every_metafile_and_config():
    on_disk = {str(path.relative_to(REPO)) for path in REPO.glob('configs/*/metafile.yml')}
    folders = {path.name for path in (REPO / 'configs').iterdir() if path.is_dir()} - NO_METHODS
    assert set(INDEX) == on_disk
    assert set(FILES) == folders
    configs = {path.relative_to(REPO).as_posix() for path in (REPO / 'configs').rglob('*.py')}
    listed = [model['Config'] for _, model in ENTRIES]
    assert len(listed) == len(set(listed))
    assert set(listed) == {path for path in configs if not NO_METHODS & set(path.split('/'))}


@pytest.mark.parametrize('method', FILES)
def test_schema(method):
    content = FILES[method]
    assert set(content) == {'Collections', 'Models'}
    (collection,) = content['Collections']
    check(collection, COLLECTION, method)
    assert collection['Metadata']['Architecture']
    assert {'Title', 'Venue'} <= set(collection['Paper']) <= {'Title', 'Venue', 'URL'}
    assert collection['README'] == f'configs/{method}/README.md'
    assert (REPO / collection['README']).is_file()
    assert (REPO / collection['Code']).is_file()
    assert content['Models'][0]['Name'].startswith(f'{method}_')
    for model in content['Models']:
        check(model, MODEL, model['Name'])
        assert model['In Collection'] == collection['Name']
        assert Path(model['Config']).stem == model['Name']
        check(model['Metadata'], {'Parameters': int, 'GFLOPs': float}, model['Name'])
        for entry in model['Results']:
            check(entry, RESULT, model['Name'])
            assert (entry['Published'] is None) == (entry['Source'] is None), 'who printed it?'
            for figures in filter(None, (entry['Published'], entry['Official'], entry['Here'])):
                assert set(figures) <= set(model_tables.FIGURES), model['Name']
                assert all(0 < float(str(value).split(' ± ')[0]) < 100 for value in figures.values())


@pytest.mark.parametrize('method', FILES)
def test_readme_has_the_figures_of_the_metafile(method):
    """Read back, independently of the tool that writes the tables."""
    readme = REPO / 'configs' / method / 'README.md'
    text = readme.read_text(encoding='utf-8')
    rows = read_table(section(text, 'results', readme)[1])
    expected = [(model['Name'], entry) for model in FILES[method]['Models'] for entry in model['Results']]
    assert len(rows) == len(expected)
    for row, (name, entry) in zip(rows, expected):
        assert names(row['config']) == [name]
        assert row['data set'] == entry['Dataset']
        shown = {key: row[key] for key in model_tables.FIGURES if row.get(key)}
        assert {key: float(value.split(' ± ')[0]) for key, value in shown.items()} == {
            key: float(str(value).split(' ± ')[0]) for key, value in (entry['Published'] or {}).items()
        }
        for column, key in (('official code here', 'Official'), ('mmvmr here', 'Here')):
            assert bool(row[column]) == bool(entry[key])
    sizes = {
        name: (int(row['parameters'].replace(',', '')), float(row['GFLOPs']))
        for row in read_table(section(text, 'complexity', readme)[1])
        for name in names(row['config'])
    }
    assert sizes == {
        model['Name']: (model['Metadata']['Parameters'], model['Metadata']['GFLOPs'])
        for model in FILES[method]['Models']
    }


def test_tables_are_up_to_date():
    assert update(model_tables.sections(), check=True) == 0, 'run: python tools/analysis_tools/model_tables.py'


def test_an_outdated_table_is_noticed_and_written(tmp_path):
    path = tmp_path / 'README.md'
    path.write_text('a\n<!-- x:start -->\nold\n<!-- x:end -->\nb\n')
    assert update({(path, 'x'): 'new'}, check=True) == 1
    assert update({(path, 'x'): 'new'}, check=False) == 0
    assert path.read_text() == 'a\n<!-- x:start -->\nnew\n<!-- x:end -->\nb\n'
    with pytest.raises(ValueError, match='expected the lines <!-- y:start -->'):
        update({(path, 'y'): 'new'}, check=True)


@pytest.mark.parametrize('method', FILES)
def test_readmes_are_laid_out_alike(method):
    text = (REPO / 'configs' / method / 'README.md').read_text(encoding='utf-8')
    collection, model = FILES[method]['Collections'][0], FILES[method]['Models'][0]
    headings = re.findall(r'^## (.+)$', text, re.M)
    assert headings[:2] == ['Results', 'Parameters and operations']
    assert headings[-1] == 'Citation'
    assert ('Official checkpoints' in headings) == (collection['Official Code'] is not None)
    assert text.startswith(f'# {collection["Name"]}\n\n> ')
    assert f'python tools/analysis_tools/get_flops.py {model["Config"]}' in text


@pytest.mark.parametrize('method', FILES)
def test_parameters_are_those_of_the_models(method):
    for model in FILES[method]['Models']:
        cfg = Config.fromfile(REPO / model['Config']).model
        if cfg.projector.get('text_encoder') is not None:
            pytest.importorskip('transformers')
        # The meta device: shapes without numbers, so that every config can be built in no time.
        with torch.device('meta'):
            built = MODELS.build(cfg)
        count = sum(parameter.numel() for parameter in built.parameters())
        assert count == model['Metadata']['Parameters'], model['Name']
