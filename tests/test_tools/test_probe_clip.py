"""Table 1 and figure 1 of VDI, with numbers by hand and a tiny random CLIP."""

import csv
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from mmvmr.utils.io import write_jsonl

ROOT = Path(__file__).resolve().parents[2]
TOOL = runpy.run_path(str(ROOT / 'tools/analysis_tools/probe_clip.py'))
pytest.importorskip('transformers')


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    sys.path.insert(0, str(ROOT / 'tests/test_features'))
    from tiny_models import write_clip

    return str(write_clip(tmp_path_factory.mktemp('clip') / 'tiny'))


def test_scores_by_hand():
    # Cosines 0.8 and 0.6, times 10: e^8 / (e^8 + e^6).
    scores = TOOL['triplet_scores'](np.array([2.0, 0]), np.array([[0.8, 0.6], [3, 4]]), 10.0)
    np.testing.assert_allclose(scores, [1 / (1 + np.exp(-2)), 1 / (1 + np.exp(2))])


def test_word_weights_by_hand():
    # "a dog runs." with tokens for a, do, g, runs and the point; start and end are empty.
    offsets = [(0, 0), (0, 1), (2, 4), (4, 5), (6, 10), (10, 11), (0, 0)]
    tags = [[0, 1, 'DET', 1], [2, 5, 'NOUN', 2], [6, 10, 'VERB', 2], [10, 11, 'PUNCT', 2]]
    weights = TOOL['word_weights'](np.array([0.5, 0.1, 0.1, 0.1, 0.1, 0.0, 0.1]), offsets, tags)
    assert {name: np.round(values, 6).tolist() for name, values in weights.items()} == {
        'nouns': [0.5],
        'verbs': [0.25],
        'others': [0.25],
    }
    lines = list(TOOL['histogram']({'nouns': [0.1, 0.3, 0.9], 'verbs': [], 'others': [1.0]}, 2))
    assert lines[1].split() == ['0.00-0.50', '66.7%', '0.0%'] and lines[3].split() == ['mean', '0.433', '1.000']


def test_both_commands(checkpoint, tmp_path, capsys):
    from PIL import Image

    rng = np.random.default_rng(0)
    for name in ('1', '2', '3'):
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(tmp_path / f'{name}.jpg')
    columns = ['sentence', 'pos_image_id', 'neg_image_id', 'subj_neg', 'verb_neg', 'obj_neg']
    rows = [['the dog', '1', '2', 'True', 'False', 'False'], ['the cat', '2', '3', 'False', 'True', 'False']]
    with (tmp_path / 'svo.csv').open('w', newline='') as stream:
        csv.writer(stream).writerows([columns, *rows])
    arguments = ['triplets', str(tmp_path / 'svo.csv'), str(tmp_path), '--model', checkpoint]
    assert TOOL['main'](arguments) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ['Scores', 'Overall', 'Sub.', 'Verb.']
    positive, negative = (np.array(lines[i][1:], float) for i in (1, 2))
    np.testing.assert_allclose(positive + negative, 1, atol=0.011)
    rows[0][1] = '9'
    with (tmp_path / 'svo.csv').open('w', newline='') as stream:
        csv.writer(stream).writerows([columns, *rows])
    with pytest.raises(SystemExit):
        TOOL['main'](arguments)
    assert "svo.csv:2: no image '9' in" in capsys.readouterr().err

    tags = [[0, 3, 'DET', 1], [4, 7, 'NOUN', 2], [8, 12, 'VERB', 2]]
    write_jsonl(tmp_path / 'tagged.jsonl', [{'qid': 1, 'query': 'the dog runs', 'query_tags': tags}])
    assert TOOL['main'](['words', str(tmp_path / 'tagged.jsonl'), '--model', checkpoint]) == 0
    mean = next(line for line in capsys.readouterr().out.splitlines() if line.startswith('mean'))
    assert sum(map(float, mean.split()[1:])) == pytest.approx(1, abs=2e-3)  # one word of each class
    write_jsonl(tmp_path / 'bare.jsonl', [{'qid': 7, 'query': 'x'}])
    with pytest.raises(SystemExit):
        TOOL['main'](['words', str(tmp_path / 'bare.jsonl'), '--model', checkpoint])
    assert 'qid 7 has no query_tags' in capsys.readouterr().err
