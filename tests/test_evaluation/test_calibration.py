"""Temperature and threshold of existence scores, against answers that are known."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from mmvmr.evaluation.functional import InputError
from mmvmr.evaluation.functional.calibration import best_threshold, calibrate
from mmvmr.utils.io import write_jsonl

KEYS = ('existence_head.temperature', 'existence_head.threshold')


def rows(groups):
    """Rows of (score, number with a moment, number without)."""
    predictions, annotations = [], []
    for score, some, none in groups:
        for present in [True] * some + [False] * none:
            qid = len(predictions)
            predictions.append({'qid': qid, 'pred_relevant_windows': [], 'pred_exist_score': score})
            annotations.append({'qid': qid, 'relevant_windows': [[0, 1]] if present else []})
    return predictions, annotations


def test_temperature():
    """Scores of 0.9 and 0.1 that are right in three of four cases should be 0.75 and 0.25."""
    calibration, losses = calibrate(*rows([(0.9, 30, 10), (0.1, 10, 30)]))
    assert calibration.temperature == pytest.approx(math.log(9) / math.log(3), rel=1e-3)
    assert losses['before'] == pytest.approx(-0.75 * math.log(0.9) - 0.25 * math.log(0.1))
    assert losses['after'] == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))
    assert calibration.threshold == pytest.approx(0.5, abs=1e-3)
    # Another level in the middle changes no temperature; of two equally good thresholds the lower one is taken.
    assert calibrate(*rows([(0.9, 30, 10), (0.5, 20, 20), (0.1, 10, 30)]))[0].threshold == pytest.approx(
        0.375, abs=1e-3
    )
    again, same = calibrate(*rows([(0.75, 30, 10), (0.25, 10, 30)]), temperature=calibration.temperature)
    assert again.temperature == pytest.approx(calibration.temperature, rel=1e-3)
    assert same['before'] == pytest.approx(same['after'], abs=1e-6)


def test_scores_of_0_and_1_are_taken_for_six_decimals():
    calibration, losses = calibrate(*rows([(1.0, 30, 10), (0.0, 10, 30)]))
    assert calibration.temperature == pytest.approx(math.log(999_999) / math.log(3), rel=1e-3)
    assert losses['after'] == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))


@pytest.mark.parametrize(
    ('some', 'none', 'expected'),
    [
        ([0.5, 0.7, 0.8, 0.95], [0.1, 0.2, 0.9], 0.35),  # two of three are rejected, and none of the others
        ([0.2], [0.8], 0.1),  # the wrong way round: nothing is rejected
    ],
)
def test_threshold_by_hand(some, none, expected):
    positive = np.array([True] * len(some) + [False] * len(none))
    assert best_threshold(positive, np.array(some + none)) == pytest.approx(expected)


def test_threshold_does_not_depend_on_how_many_queries_have_none():
    """Rejected up to 0.6: all of those without a moment, one third of the others."""
    groups = [(0.9, 2, 0), (0.7, 2, 0), (0.5, 2, 1), (0.2, 0, 1)]
    for times in (1, 10):
        predictions, annotations = rows([(score, some, none * times) for score, some, none in groups])
        positive = np.array([bool(row['relevant_windows']) for row in annotations])
        score = np.array([row['pred_exist_score'] for row in predictions])
        assert best_threshold(positive, score) == pytest.approx(0.6)


def test_what_cannot_be_calibrated():
    predictions, annotations = rows([(0.9, 2, 0)])
    with pytest.raises(InputError, match='2 of 2 queries have a moment'):
        calibrate(predictions, annotations)
    with pytest.raises(InputError, match='1 of 1 queries have a moment'):
        calibrate(predictions[:1], annotations[:1])
    for given, message in (
        ((predictions[:1], annotations), r'^p\.jsonl: '),
        ((predictions, annotations[:1]), r'a\.jsonl'),
    ):
        with pytest.raises(InputError, match=message):
            calibrate(*given, source='p.jsonl', reference='a.jsonl')
    plain = [{key: row[key] for key in ('qid', 'pred_relevant_windows')} for row in predictions]
    with pytest.raises(InputError, match='no pred_exist_score'):
        calibrate(plain, annotations)


def test_tool(tmp_path, repo_dir):
    """The values end in the checkpoint, and only there; one without a head is refused before anything is written."""
    predictions, annotations = rows([(0.9, 30, 10), (0.1, 10, 30)])
    write_jsonl(tmp_path / 'preds.jsonl', predictions)
    write_jsonl(tmp_path / 'some.jsonl', annotations[:40])
    write_jsonl(tmp_path / 'none.jsonl', annotations[40:])
    state = {'x': torch.ones(2), **{key: torch.tensor(1.0) for key in KEYS}}
    torch.save({'meta': {'epoch': 3}, 'state_dict': state}, tmp_path / 'in.pth')
    torch.save({'state_dict': {'x': torch.ones(2)}}, tmp_path / 'plain.pth')
    command = [sys.executable, 'tools/analysis_tools/calibrate_existence.py', str(tmp_path / 'preds.jsonl')]
    command += [str(tmp_path / 'some.jsonl'), str(tmp_path / 'none.jsonl'), '--out', str(tmp_path / 'out.pth')]

    def run(checkpoint):
        options = dict(cwd=repo_dir, env={'PYTHONPATH': str(repo_dir)}, capture_output=True, text=True)
        return subprocess.run([*command, '--checkpoint', str(tmp_path / checkpoint)], **options)

    refused = run('plain.pth')
    assert refused.returncode == 2 and 'no existence head in this checkpoint' in refused.stderr
    assert not (tmp_path / 'out.pth').exists()
    done = run('in.pth')
    assert done.returncode == 0, done.stderr
    assert 'temperature 2.0000, threshold 0.5' in done.stdout
    written = torch.load(tmp_path / 'out.pth', weights_only=True)
    assert written['meta'] == {'epoch': 3} and written['state_dict']['x'].tolist() == [1, 1]
    assert written['state_dict'][KEYS[0]].item() == pytest.approx(2.0, rel=1e-3)
    assert torch.load(tmp_path / 'in.pth', weights_only=True)['state_dict'][KEYS[0]] == 1
