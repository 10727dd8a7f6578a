"""Generalized moment retrieval: five queries by hand, and every figure of the published evaluator."""

import json
import math

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmvmr.cli.main import main
from mmvmr.evaluation.functional import InputError, evaluate_predictions, query_figures
from mmvmr.evaluation.functional.existence import area_under_roc, best_rejection, existence_scores, rejection_figures
from mmvmr.registry import METRICS
from mmvmr.structures import MomentDataSample
from mmvmr.utils.io import read_jsonl, write_jsonl

# Two queries have one moment, one has two, two have none. Existence scores above 0.4: queries 1, 2 and 4.
WINDOWS = {1: [[0, 10]], 2: [[0, 10], [20, 30]], 3: [], 4: [], 5: [[0, 10]]}
PREDICTED = {
    1: ([[0, 10, 0.9], [20, 30, 0.8]], 0.9),
    2: ([[0, 5, 0.7], [20, 28, 0.6]], 0.5),  # IoU 0.5 and 0.8
    3: ([[0, 10, 0.5]], 0.2),
    4: ([[0, 10, 0.6]], 0.8),
    5: ([[0, 10, 0.4]], 0.3),
}
ANNOTATIONS = [
    {'qid': qid, 'vid': f'v{qid}', 'query': 'a dog', 'duration': 30, 'relevant_windows': windows}
    for qid, windows in WINDOWS.items()
]
PREDICTIONS = [
    {'qid': qid, 'pred_relevant_windows': windows, 'pred_exist_score': score}
    for qid, (windows, score) in PREDICTED.items()
]
EXPECTED = {
    'AUROC': 66.67,  # of 3 x 2 pairs: 0.9 above both, 0.5 and 0.3 above 0.2
    'Rej-F1-max': 66.67,  # with everything up to 0.2 rejected: precision 1, recall 1/2; up to 0.8: 2 of 4 and 2 of 2
    'Rej-F1@0.4': 50.0,  # rejected: 3 rightly, 5 wrongly; 4 should have been
    'Acc@0.4': 60.0,
    'Rej-F1@0.6': 40.0,  # query 2 is rejected, too: precision 1/3, recall 1/2
    'Acc@0.6': 40.0,
    'G-mIoU@1': 45.0,  # 1, 0.5 / 2, 1 (rightly nothing), 0, 0
    'G-mIoU@3': 43.0,  # 1 / 2, (0.5 + 0.8) / 2, 1, 0, 0
    'G-mIoU@5': 43.0,
    'mAP': 75.0,  # 1, 0.25, 1: query 2 has AP 1 at IoU 0.5, 1/4 from 0.55 to 0.8, then 0
    'mAP-all': 45.0,  # 1, 0.25, 1 (rightly nothing), 0, 0 (rejected)
    'mR@1': 68.33,  # at 0.5 (1 + 1/2 + 1) / 3, at the nine others 2/3
    'mR@3': 80.0,  # query 2: 1 at 0.5, 1/2 from 0.55 to 0.8, then 0
    'mR@5': 80.0,
    'mR+@1': 0.0,
    'mR+@3': 10.0,  # the second moment of query 2 at IoU 0.5 only
    'mR+@5': 10.0,
    'mIoU@1': 83.33,  # 1, 0.5, 1
    'mIoU@3': 88.33,  # 1, 0.65, 1
    'mIoU@5': 88.33,
    'mIoU+@1': 0.0,
    'mIoU+@3': 50.0,  # without the better match of query 2
    'mIoU+@5': 50.0,
}


STATS = ('num_total', 'num_positive', 'num_negative', 'num_multi_instance', 'num_single_instance')


def test_by_hand():
    report = evaluate_predictions(PREDICTIONS, ANNOTATIONS, 'gmr')
    assert report['brief'] == EXPECTED
    assert report['GMR-CLS']['per_threshold']['0.6'] == {
        'Rej-F1': 40.0, 'Acc': 40.0, 'Rej-P': 33.33, 'Rej-R': 50.0, 'TP': 1, 'TN': 1, 'FP': 1, 'FN': 2,
    }  # fmt: skip
    assert 'reasons' not in report
    # Query 2 has 1 at 0.5, 1/4 up to 0.8 and then 0; the others have 1.
    by_threshold = {f'{t / 100:.2f}': 100.0 if t < 55 else 75.0 if t < 85 else 66.67 for t in range(50, 100, 5)}
    assert report['mAP_detail'] == {'mAP': 75.0, 'AP@IoU': by_threshold}
    assert report['stats'] == dict(zip(STATS, (5, 3, 2, 1, 2)))


def test_one_rejected_query_is_a_whole():
    figures = rejection_figures(np.array([True, False]), np.array([0.9, 0.1]), 0.5)
    assert figures == {'Rej-F1': 1, 'Acc': 1, 'Rej-P': 1, 'Rej-R': 1, 'TP': 1, 'TN': 1, 'FP': 0, 'FN': 0}


def test_a_single_query_is_right_or_wrong():
    assert [rejection_figures(np.array([True]), np.array([s]), 0.5)['Acc'] for s in (0.9, 0.1)] == [1.0, 0.0]


def test_scores_without_a_choice():
    assert existence_scores(
        [{'pred_relevant_windows': [[0, 1, -0.5], [0, 1, -0.2]]}, {'pred_relevant_windows': []}]
    ).tolist() == [-0.2, 0]
    for positive in ([True, True], [False, False]):
        assert math.isnan(best_rejection(np.array(positive), np.array([0.1, 0.9])))
        assert math.isnan(area_under_roc(np.array(positive), np.array([0.1, 0.9])))


def test_a_window_is_taken_once_by_the_first_that_comes():
    """The first prediction takes the moment with 0.9, the second, a perfect one, gets the far one with IoU 0."""
    annotations = [{'qid': 1, 'duration': 99, 'relevant_windows': [[0, 10], [80, 90]]}]
    predictions = [{'qid': 1, 'pred_relevant_windows': [[0, 9, 0.1], [0, 10, 0.9]], 'pred_exist_score': 1.0}]
    brief = evaluate_predictions(predictions, annotations, 'gmr')['brief']
    assert brief['mIoU@3'] == 45.0
    assert brief['G-mIoU@3'] == 45.0  # both are matched: 0.9 / (2 + 2 - 2)
    assert brief['mR@3'] == 50.0  # up to 0.9 the first matches the moment, at 0.95 the second does
    assert brief['mR@1'] == 45.0  # nine of ten thresholds, one of two moments


def test_the_best_window_stands_in_for_a_missing_existence_score():
    plain = [{key: row[key] for key in ('qid', 'pred_relevant_windows')} for row in PREDICTIONS]
    brief = evaluate_predictions(plain, ANNOTATIONS, 'gmr')['brief']
    assert brief['AUROC'] == 66.67  # 0.9, 0.7, 0.4 against 0.5, 0.6
    assert brief['Acc@0.4'] == 40.0  # 0.4 is not above 0.4: queries 1 and 2 are right
    none = [{'qid': row['qid'], 'pred_relevant_windows': []} for row in PREDICTIONS]
    brief = evaluate_predictions(none, ANNOTATIONS, 'gmr')['brief']
    assert (brief['AUROC'], brief['G-mIoU@1'], brief['mAP-all'], brief['mR@5']) == (50.0, 40.0, 40.0, 0.0)


def test_figures_of_nothing_say_why():
    report = evaluate_predictions(PREDICTIONS[:1], ANNOTATIONS[:1], 'gmr')
    assert math.isnan(report['brief']['AUROC']) and math.isnan(report['brief']['mR+@1'])
    assert report['brief']['mR@1'] == 100.0
    assert 'every query has a moment' in report['reasons']['AUROC']
    assert report['reasons']['mR+'] == 'no query has several moments'
    report = evaluate_predictions(PREDICTIONS[2:4], ANNOTATIONS[2:4], 'gmr')
    assert math.isnan(report['brief']['mAP']) and report['brief']['mAP-all'] == 50.0
    assert report['reasons']['mAP'] == 'no query has a moment'


def test_single_queries_average_to_the_summary():
    figures = query_figures(PREDICTIONS, ANNOTATIONS, 'gmr')
    assert figures['G-mIoU@1'].tolist() == [100.0, 25.0, 100.0, 0.0, 0.0]
    assert figures['mAP-all'].tolist() == pytest.approx([100.0, 25.0, 100.0, 0.0, 0.0])
    assert [math.isnan(value) for value in figures['mR@1']] == [False, False, True, True, False]
    for name, values in figures.items():
        counted = values[~(values != values)]
        assert round(float(counted.mean()), 2) == EXPECTED[name], name


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'pred_exist_score': 'high'}, "entry 2 \\(qid 2\\): pred_exist_score is 'high', expected a number"),
        ({'pred_exist_score': math.nan}, 'expected a finite number'),
        ({'pred_exist_score': None}, 'pred_exist_score is missing, but 4 of 5 entries have it'),
        ({'pred_exist_score': 1.2}, 'pred_exist_score is 1.2, expected a probability'),
    ],
)
def test_bad_scores(change, message):
    rows = [{**row, **(change if row['qid'] == 2 else {})} for row in PREDICTIONS]
    with pytest.raises(InputError, match=message):
        evaluate_predictions(rows, ANNOTATIONS, 'gmr')


def test_queries_without_labels_are_refused():
    hidden = [{key: row[key] for key in ('qid', 'duration')} for row in ANNOTATIONS]
    with pytest.raises(InputError, match='no annotation has relevant_windows'):
        evaluate_predictions(PREDICTIONS, hidden, 'gmr')
    partly = [*ANNOTATIONS[:4], {'qid': 5, 'duration': 30}]
    report = evaluate_predictions(PREDICTIONS, partly, 'gmr')
    assert report['stats']['num_total'] == 4
    assert report['reasons']['GMR'] == '1 of 5 queries have no relevant_windows'


def test_command(tmp_path, capsys):
    predictions, truth = tmp_path / 'preds.jsonl', tmp_path / 'gt.jsonl'
    write_jsonl(predictions, PREDICTIONS)
    write_jsonl(truth, ANNOTATIONS)
    page = tmp_path / 'page.html'
    assert main(['eval', str(predictions), str(truth), '--protocol', 'gmr', '--page', str(page)]) in (0, None)
    assert json.loads(capsys.readouterr().out)['brief'] == EXPECTED
    assert 'mAP-all' in page.read_text()


def test_every_published_figure(shared_dir):
    folder = shared_dir / 'data/gmr'
    if not folder.is_dir():
        pytest.skip('data/gmr absent')
    published = json.loads((folder / 'moment_detr_gmr.metrics.json').read_text())
    report = evaluate_predictions(
        read_jsonl(folder / 'moment_detr_gmr.predictions.jsonl'), read_jsonl(folder / 'test.jsonl'), 'gmr'
    )
    assert published['brief'].items() <= report['brief'].items()
    assert len(published['brief']) == len(report['brief']) - 2  # mAP-all, Rej-F1-max
    for name in ('G-mIoU_detail', 'mAP_detail', 'mIoU_detail', 'mIoU+_detail'):
        assert report[name] == published[name]
    for name in ('mR_detail', 'mR+_detail', 'GMR-CLS'):
        kept = {key: value for key, value in published[name].items() if key in report[name]}
        assert report[name] == kept
    assert report['stats'] == {key: published['stats'][key] for key in report['stats']}


def samples():
    """What a detector with an existence head returns in predict mode."""
    made = []
    for row, truth in zip(PREDICTIONS, ANNOTATIONS):
        sample = MomentDataSample(metainfo={**truth, 'annotation': truth})
        triples = torch.tensor(row['pred_relevant_windows'], dtype=torch.float64)
        sample.pred_instances = InstanceData(windows=triples[:, :2], scores=triples[:, 2])
        sample.set_field(row['pred_exist_score'], 'pred_existence')
        made.append(sample.to_dict())
    return made


def test_metric(tmp_path):
    metric = METRICS.build(dict(type='MomentRetrievalMetric', protocol='gmr', outfile=str(tmp_path / 'preds.jsonl')))
    metric.process(None, samples())
    assert metric.evaluate(len(ANNOTATIONS)) == EXPECTED
    assert [row['pred_exist_score'] for row in read_jsonl(tmp_path / 'preds.jsonl')] == [0.9, 0.5, 0.2, 0.8, 0.3]
    metric = METRICS.build(dict(type='MomentRetrievalMetric', protocol='gmr', ignore_existence=True, prefix='window'))
    metric.process(None, samples())
    assert metric.evaluate(len(ANNOTATIONS))['window/Acc@0.4'] == 40.0


def test_metric_of_negatives_alone():
    metric = METRICS.build(dict(type='MomentRetrievalMetric', protocol='gmr'))
    metric.process(None, samples()[2:4])
    assert metric.evaluate(2)['mAP-all'] == 50.0
