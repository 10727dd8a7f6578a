"""The recorded synthesizer, partners and batches of TD-DETR, and that a difference is noticed."""

import json
import shutil

import numpy as np
import pytest
import torch

from parity import check_folder
from parity.pair_data import first_seed

GROUPS = {'synthesized videos', 'loaded features', 'similarities', 'partners', 'batches', 'masked features'}


@pytest.fixture
def folder(shared_dir, tmp_path):
    source = shared_dir / 'parity' / 'td_detr_synth'
    if not source.is_dir():
        pytest.skip(f'{source} absent')
    copy = tmp_path / 'td_detr_synth'
    copy.mkdir()
    for path in source.iterdir():
        shutil.copyfile(path, copy / path.name)
    return copy


def test_recorded_numbers(folder):
    groups = list(check_folder(folder))
    assert {group.name for group in groups} == GROUPS
    assert [(g.name, g.worst, g.where, g.missing) for g in groups if not g.passed] == []
    assert sum(group.count for group in groups) > 900


def _failed(folder):
    return [(group.name, group.where, group.missing) for group in check_folder(folder) if not group.passed]


@pytest.mark.parametrize(
    ('file', 'name', 'group'),
    [
        ('cases', 'hl_2/1/span_labels', 'synthesized videos'),
        ('sim', 'charades/matrix', 'similarities'),
        ('sim', 'tacos/batch0/mix', 'partners'),
        ('collate', 'tacos/src_vid', 'batches'),
        ('masked', 'row3', 'masked features'),
    ],
)
def test_a_changed_number_fails(folder, file, name, group):
    path = folder / f'{file}.npz'
    arrays = dict(np.load(path))
    arrays[name] = arrays[name] + np.asarray(1, arrays[name].dtype)
    np.savez(path, **arrays)
    assert _failed(folder) == [(group, name, [])]


def _edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_changed_description_fails(folder):
    _edit(folder / 'cases.json', lambda cases: cases[3]['1']['meta'].update(duration=1))
    assert _failed(folder) == [('synthesized videos', 'hl_3/1/meta/duration', [])]
    _edit(folder / 'cases.json', lambda cases: cases[3]['1']['meta'].update(duration=58, unheard_of=1))
    assert _failed(folder)[0][2] == ['hl_3/1/meta/unheard_of']


def test_other_draws_are_refused(folder):
    _edit(folder / 'cases.json', lambda cases: cases[0]['draws'][0]['population'].pop())
    with pytest.raises(ValueError, match=r'cases\.json: hl_0 draws otherwise than recorded'):
        list(check_folder(folder))


def test_a_draw_that_is_left_over_is_refused(folder):
    _edit(folder / 'collate.json', lambda sets: sets['hl']['draws'].append({'fn': 'random', 'out': 0.5}))
    with pytest.raises(ValueError, match=r'collate\.json: hl: 1 recorded draws were never asked for'):
        list(check_folder(folder))


def test_an_empty_folder_is_no_folder_about_data(folder):
    for path in folder.glob('*.npz'):
        path.unlink()
    with pytest.raises(FileNotFoundError, match='a parity folder needs it'):
        list(check_folder(folder))


def test_seed_of_random_partners_is_found():
    def recorded(first):
        arrays = {}
        for number, batch in enumerate(([4, 9, 2, 7], [1, 3, 8, 5, 6])):
            partners = torch.randint(
                0, len(batch), (len(batch),), generator=torch.Generator().manual_seed(first + number)
            )
            arrays[f'hl/batch{number}'] = torch.tensor(batch)
            arrays[f'hl/batch{number}/random'] = torch.stack(
                (torch.tensor(batch), torch.tensor(batch)[partners]), dim=1
            )
        return arrays

    assert first_seed(recorded(1234)) == 1234
    changed = recorded(1234)
    changed['hl/batch1/random'][2, 1] = 77
    assert first_seed(changed) == 0
