"""Videos that are split off train: whole ones, from a seed, none in both files."""

import sys
from pathlib import Path

import pytest

from mmvmr.utils.io import read_jsonl, write_jsonl

sys.path.insert(0, str(Path(__file__).parents[2]))
from tools.dataset_converters import hold_out_videos


def test_whole_videos_go_to_one_side(tmp_path, capsys):
    rows = [
        {'qid': i, 'query': 'q', 'vid': f'v{i // 2}', 'duration': 9.0, 'relevant_windows': [[0.0, 3.0]]}
        for i in range(8)
    ]
    write_jsonl(tmp_path / 'all.jsonl', rows)
    command = [str(tmp_path / 'all.jsonl'), '--out', str(tmp_path / 'out'), '--videos']
    assert hold_out_videos.main([*command, '1']) == 0
    assert 'train.jsonl: 6 sentences of 3 videos' in capsys.readouterr().out
    # random.Random(0) shuffles v0 to v3 to v2, v0, v1, v3.
    assert [row['qid'] for row in read_jsonl(tmp_path / 'out/val.jsonl')] == [4, 5]
    assert [row['qid'] for row in read_jsonl(tmp_path / 'out/train.jsonl')] == [0, 1, 2, 3, 6, 7]
    for number in ('0', '4'):
        with pytest.raises(SystemExit):
            hold_out_videos.main([*command, number])
        assert 'has 4 videos, and some have to stay' in capsys.readouterr().err
