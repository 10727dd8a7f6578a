"""Re-ranking of prediction files, by hand."""

import json

import numpy as np
import pytest
import torch
from run_helpers import REPO

from mmvmr.cli.main import main
from mmvmr.evaluation.functional import InputError
from mmvmr.registry import DATASETS, SCORERS
from mmvmr.search import MeanClipSimilarity, OtherPredictions, rerank
from mmvmr.utils import read_jsonl
from mmvmr.utils.config import read_config
from mmvmr.utils.io import write_jsonl

TRUTH = [
    dict(qid=1, query='a dog', vid='A', duration=40.0, relevant_windows=[[10, 20]]),
    dict(qid=2, query='a cat', vid='B', duration=30.0, relevant_windows=[[0, 5]]),
]
FOUND = [
    dict(qid=1, vid='A', pred_relevant_windows=[[0, 10, 0.9], [10, 20, 0.6], [20, 40, 0.1]], note='stays'),
    dict(qid=2, vid='B', pred_relevant_windows=[]),
]


class Given:
    """Scores from a list."""

    def __init__(self, *values):
        self.values = np.array(values)

    def score(self, row, windows):
        assert row is TRUTH[0] and windows.tolist() == [[0, 10], [10, 20], [20, 40]]
        return self.values


@pytest.mark.parametrize(
    ('weight', 'expected'),
    [
        # Their own scores 0.9, 0.6, 0.1 become 1, 5/8, 0; those of the scorer 0, 10, 5 become 0, 1, 1/2.
        (0.0, [[0, 10, 1.0], [10, 20, 0.625], [20, 40, 0.0]]),
        (0.5, [[10, 20, 0.8125], [0, 10, 0.5], [20, 40, 0.25]]),
        (1.0, [[10, 20, 1.0], [20, 40, 0.5], [0, 10, 0.0]]),
    ],
)
def test_scores_are_mixed_over_the_moments_of_a_query(weight, expected):
    first, second = rerank(FOUND, TRUTH, Given(0.0, 10.0, 5.0), weight)
    assert first == {**FOUND[0], 'pred_relevant_windows': expected}
    assert second == FOUND[1]
    assert FOUND[0]['pred_relevant_windows'][0] == [0, 10, 0.9]


def test_equal_moments_stay_in_order():
    (row, _) = rerank(FOUND, TRUTH, Given(3.0, 3.0, 3.0), 1.0)
    assert row['pred_relevant_windows'] == [[0, 10, 0.0], [10, 20, 0.0], [20, 40, 0.0]]


@pytest.mark.parametrize(
    ('scorer', 'weight', 'message'),
    [
        (Given(1.0, 2.0), 0.5, r'Given: scores of qid 1 have shape \(2,\), expected 3 finite numbers'),
        (Given(1.0, 2.0, np.nan), 0.5, '3 finite numbers'),
        (Given(1.0, 2.0, 3.0), 1.5, r'weight=1\.5, expected a number from 0 to 1'),
    ],
)
def test_scorers_that_do_not_answer(scorer, weight, message):
    with pytest.raises(InputError, match=message):
        list(rerank(FOUND, TRUTH, scorer, weight))


def test_agreement_with_another_file(tmp_path):
    write_jsonl(tmp_path / 'other.jsonl', [dict(qid=1, pred_relevant_windows=[[5, 15, 0.5], [20, 30, 1.0]])])
    windows = np.array([[0.0, 10.0], [10.0, 20.0], [20.0, 40.0], [50.0, 60.0]])
    scorer = OtherPredictions(str(tmp_path / 'other.jsonl'))
    # IoU 5/15 and 0; 5/15 and 0; 0 and 10/20; nothing.
    assert scorer.score(TRUTH[0], windows).tolist() == pytest.approx([1 / 6, 1 / 6, 1 / 2, 0])
    alike = OtherPredictions(str(tmp_path / 'other.jsonl'), scores=False)
    assert alike.score(TRUTH[0], windows).tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 2, 0])
    with pytest.raises(InputError, match='no entry of qid 2'):
        scorer.score(TRUTH[1], windows)
    write_jsonl(tmp_path / 'other.jsonl', [dict(qid=1, pred_relevant_windows=[])])
    assert OtherPredictions(str(tmp_path / 'other.jsonl')).score(TRUTH[0], windows).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ('rows', 'message'),
    [
        ([dict(qid=1, pred_relevant_windows=[[5, 15], [20, 30], [1, 2]])], r'\[start, end, score\]'),
        ([dict(qid=1, pred_relevant_windows=[[5, 15, None]])], 'score of .* is None'),
        ([dict(qid=1, pred_relevant_windows=[])] * 2, 'qid 1'),
        ([dict(vid='A', pred_relevant_windows=[])], r'other\.jsonl entry 1'),
    ],
)
def test_another_file_that_is_wrong(tmp_path, rows, message):
    write_jsonl(tmp_path / 'other.jsonl', rows)
    with pytest.raises(InputError, match=message):
        OtherPredictions(str(tmp_path / 'other.jsonl'))


def test_scores_of_another_file_are_taken_or_not():
    with pytest.raises(ValueError, match="OtherPredictions: scores='maybe' is unknown, expected True or False"):
        OtherPredictions('other.jsonl', scores='maybe')


def test_similarity_of_mean_clips_equals_the_loop():
    config = str(REPO / 'configs' / 'qd_detr' / 'qd_detr_synthetic_biased.py')
    scorer = MeanClipSimilarity(config)
    assert scorer.map.fitted
    dataset = DATASETS.build(read_config(config).test_dataloader.dataset)
    row, sample = dataset.rows[0], dataset.loaded(0)
    clip_len, length = sample['clip_len'], len(sample['video_feat'])
    windows = np.array([[0.0, 1.0], [clip_len * 1.5, clip_len * 3.5], [0.0, clip_len * (length + 2)]])
    expected = []
    for first, stop in ((0, int(np.ceil(1 / clip_len))), (1, 4), (0, length)):
        clips = scorer.map.mapped(torch.tensor(sample['video_feat'][first:stop])).mean(0)
        sentence = scorer.map.text(torch.tensor(sample['text_feat']).mean(0))
        expected.append(torch.cosine_similarity(clips, sentence, dim=0).item())
    assert scorer.score(row, windows).tolist() == pytest.approx(expected, abs=1e-5)
    with pytest.raises(InputError, match="no qid 'absent'"):
        scorer.score({'qid': 'absent'}, windows)
    with pytest.raises(ValueError, match='stream'):
        MeanClipSimilarity(config, stream='absent')


def test_command(tmp_path, capsys):
    for name, rows in (('gt', TRUTH), ('preds', FOUND)):
        write_jsonl(tmp_path / f'{name}.jsonl', rows)
    write_jsonl(
        tmp_path / 'other.jsonl',
        [dict(qid=1, pred_relevant_windows=[[10, 20, 1.0]]), dict(qid=2, pred_relevant_windows=[])],
    )
    files = [str(tmp_path / 'preds.jsonl'), '--gt', str(tmp_path / 'gt.jsonl'), '--out', str(tmp_path / 'new.jsonl')]
    other = f'file={tmp_path / "other.jsonl"}'
    assert main(['rerank', *files, '--scorer', 'OtherPredictions', '--options', other, '--weight', '0.75']) == 0
    assert '2 queries, another first moment in 1' in capsys.readouterr().out
    # 0.25 x 5/8 + 0.75 x 1, 0.25 x 1 + 0, 0.
    wanted = [[10, 20, 0.90625], [0, 10, 0.25], [20, 40, 0.0]]
    rows = read_jsonl(tmp_path / 'new.jsonl')
    assert rows[0]['pred_relevant_windows'] == [[*w[:2], round(w[2], 6)] for w in wanted]
    assert main(['rerank', '--list']) == 0
    assert {'OtherPredictions', 'MeanClipSimilarity'} <= set(capsys.readouterr().out.split())
    for options, message in (
        (['--scorer', 'OtherPrediction'], 'did you mean'),
        (
            ['--scorer', 'OtherPredictions', '--options', 'file=x', 'path=x'],
            "got an unexpected keyword argument 'path'",
        ),
        (['--scorer', 'OtherPredictions'], "missing a required argument: 'file'"),
        ([], '--scorer missing'),
        (['--scorer', 'OtherPredictions', '--options', other, '--out', files[2]], 'is the input'),
    ):
        with pytest.raises(SystemExit) as stop:
            main(['rerank', *files, *options])
        assert stop.value.code == 2
        assert message in capsys.readouterr().err


def test_a_scorer_of_a_package(tmp_path, monkeypatch, capsys):
    (tmp_path / 'my_scorers.py').write_text(
        'from mmvmr.registry import SCORERS\n\n\n@SCORERS.register_module()\nclass LongestOfTests:\n'
        '    """Length."""\n\n    def score(self, row, windows):\n        return windows[:, 1] - windows[:, 0]\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    for name, rows in (('gt', TRUTH), ('preds', FOUND)):
        write_jsonl(tmp_path / f'{name}.jsonl', rows)
    files = [str(tmp_path / 'preds.jsonl'), '--gt', str(tmp_path / 'gt.jsonl'), '--out', str(tmp_path / 'new.jsonl')]
    try:
        options = ['--scorer', 'LongestOfTests', '--weight', '1', '--import-module', 'my_scorers']
        assert main(['rerank', *files, *options]) == 0
    finally:
        SCORERS.module_dict.pop('LongestOfTests', None)
    lines = (tmp_path / 'new.jsonl').read_text().splitlines()
    assert json.loads(lines[0])['pred_relevant_windows'][0] == [20, 40, 1.0]
