"""A split on which positions help less: half of the hits, drawn from a seed, whole or not at all."""

import sys
from pathlib import Path

import numpy as np
import pytest

from mmvmr.utils.io import read_jsonl, write_jsonl

sys.path.insert(0, str(Path(__file__).parents[2]))
from tools.dataset_converters import balance_positions


def row(qid, start, end):
    return {'qid': qid, 'query': 'q', 'vid': f'v{qid}', 'duration': 10.0, 'relevant_windows': [[start, end]]}


def write(root, common=30, spread=20):
    """Most moments are the first half; the others lie anywhere in the second one."""
    rng = np.random.default_rng(0)
    starts = rng.uniform(5, 8, spread)
    rows = [row(i, 0.0, 5.0) for i in range(common)]
    rows += [row(common + i, float(s), float(s) + 1.5) for i, s in enumerate(starts)]
    for name in ('train', 'val'):
        write_jsonl(root / f'{name}.jsonl', rows)
    return [str(root / 'train.jsonl'), str(root / 'val.jsonl'), '--out', str(root / 'out.jsonl')]


def test_half_of_the_hits_at_most(tmp_path, capsys):
    command = [*write(tmp_path), '--count', '1']
    assert balance_positions.main(command) == 0
    kept = read_jsonl(tmp_path / 'out.jsonl')
    share = np.mean([one['relevant_windows'][0] == [0.0, 5.0] for one in kept])
    # 30 of 50 are hits: 0.6, so at most 0.3. The 20 others allow 8 hits (8 / 28 = 0.286, 9 / 29 = 0.310).
    assert share == 8 / 28 and len(kept) == 28
    said = capsys.readouterr().out
    assert said.count('60.00 before, 28.57 now') == 2 and '28 of 50 queries' in said
    original = read_jsonl(tmp_path / 'val.jsonl')
    assert [one for one in original if one in kept] == kept


def test_the_seed_decides(tmp_path):
    command = [*write(tmp_path), '--count', '1']
    files = []
    for seed in ('0', '0', '1'):
        balance_positions.main([*command, '--seed', seed])
        files.append((tmp_path / 'out.jsonl').read_bytes())
    assert files[0] == files[1] != files[2]


def test_windows_by_hand():
    """4 of 8 hits of the first window: half is 0.25, and each window has to fall to that."""
    hits = np.zeros((2, 8), dtype=bool)
    hits[0, :4], hits[1, 4:7] = True, True
    kept = balance_positions.choose(hits, 0.5, seed=0)
    # The rates are equal or better one by one: 3/7, 3/6, 2/5, 2/4, 1/3 and 1/3, ..., until 0/1 and 0/1 is left,
    # because one query that no window answers cannot balance two hits (1/2, 1/3 > 0.25).
    assert kept == [7]
    # The first window alone: 4/8, 3/7, 2/6, 1/5 = 0.2.
    kept = balance_positions.choose(hits[:1], 0.5, seed=0)
    assert len(kept) == 5 and kept[1:] == [4, 5, 6, 7]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (['--share', '1.5'], 'a part below 1'),
        (['--out', 'val.jsonl'], 'is an input'),
    ],
)
def test_refusals(tmp_path, capsys, monkeypatch, change, message):
    command = write(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        balance_positions.main([*command, *change])
    assert stop.value.code == 2 and message in capsys.readouterr().err
    assert not (tmp_path / 'out.jsonl').exists()


def test_rows_without_moments(tmp_path, capsys):
    command = write(tmp_path)
    rows = read_jsonl(tmp_path / 'val.jsonl')
    write_jsonl(tmp_path / 'val.jsonl', [{**rows[0], 'relevant_windows': []}, *rows[1:]])
    with pytest.raises(SystemExit):
        balance_positions.main(command)
    assert 'val.jsonl: qid 0 has no moment (1 of 50 rows)' in capsys.readouterr().err
