"""Recall of search, with ranks known by hand."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from mmvmr.utils.io import write_jsonl

TOOL = Path(__file__).resolve().parents[2] / 'tools/analysis_tools/search_recall.py'


def test_recalls_by_hand():
    recalls = runpy.run_path(str(TOOL))['recalls']
    assert recalls(np.array([0, 0, 4, 20])) == {'R@1': 50, 'R@5': 75, 'R@10': 75, 'median rank': 3}


def test_the_tool(tmp_path, capsys):
    main = runpy.run_path(str(TOOL))['main']
    for number, name in enumerate(('a', 'b')):
        vector = np.eye(2)[number]
        np.savez(tmp_path / f'{name}.npz', features=np.stack([vector, vector]), pooler_output=vector)
    write_jsonl(tmp_path / 'videos.jsonl', [{'vid': 'a'}, {'vid': 'b'}])
    assert main([str(tmp_path / 'videos.jsonl'), str(tmp_path), str(tmp_path)]) == 0
    assert 'R@1          100.00 (chance 50.00)' in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        main([str(tmp_path / 'absent.jsonl'), str(tmp_path), str(tmp_path)])
    assert stop.value.code == 2
