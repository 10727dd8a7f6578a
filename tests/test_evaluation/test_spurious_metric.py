"""Spurious figures are the ordinary ones of the masked predictions, and plain figures ignore them."""

import copy
import math

import pytest
from eval_data import random_rows
from mmengine.evaluator import Evaluator
from test_eval_metrics import data_samples, run

from mmvmr.evaluation.functional import evaluate_predictions
from mmvmr.registry import METRICS

SPURIOUS = dict(type='SpuriousMetric')
PLAIN = dict(type='MomentRetrievalMetric')


def _pairs(masked_scale=0.5):
    """Samples and, behind all of them, the masked ones, whose windows are shorter."""
    plain, annotations = random_rows(1)
    masked = copy.deepcopy(plain)
    for row in masked:
        row['pred_relevant_windows'] = [
            [round(s * masked_scale, 4), round(e * masked_scale, 4), c] for s, e, c in row['pred_relevant_windows']
        ]
    return plain, masked, annotations


def _mixed(plain, masked, annotations, batch=4):
    samples = []
    for start in range(0, len(plain), batch):
        part = slice(start, start + batch)
        views = data_samples(masked[part], annotations[part])
        for view in views:
            view.set_metainfo({'view': 'spurious'})
        samples.append([*data_samples(plain[part], annotations[part]), *views])
    return samples


def _run(metrics, batches, size):
    evaluator = Evaluator([METRICS.build(metric) for metric in metrics])
    for batch in batches:
        evaluator.process(batch)
    return evaluator.evaluate(size)


def test_figures_of_both():
    plain, masked, annotations = _pairs()
    figures = _run([PLAIN, SPURIOUS], _mixed(plain, masked, annotations), len(plain))
    expected = evaluate_predictions(plain, annotations)['brief']
    assert {k: v for k, v in figures.items() if k.startswith('MR')} == {
        k: v for k, v in expected.items() if k.startswith('MR')
    }
    full = evaluate_predictions(masked, annotations)['full']
    assert figures['Spurious-mAP'] == full['MR-mAP']['average'] != expected['MR-full-mAP']
    assert figures['Spurious-mAP@0.75'] == full['MR-mAP']['0.75']
    assert figures['Spurious-R1@0.7'] == full['MR-R1']['0.7']
    assert figures['Spurious-R1@0.9'] == full['MR-R1']['0.9']
    assert figures['Spurious-ratio'] == round(expected['MR-full-mAP'] / figures['Spurious-mAP'], 3)


def test_nothing_spurious_has_no_ratio():
    plain, masked, annotations = _pairs()
    for row in masked:
        row['pred_relevant_windows'] = []
    figures = _run([SPURIOUS], _mixed(plain, masked, annotations), len(plain))
    assert figures['Spurious-mAP'] == figures['Spurious-R1@0.5'] == 0
    assert math.isnan(figures['Spurious-ratio'])


def test_masked_samples_alone_have_no_ratio():
    plain, masked, annotations = _pairs()
    batches = [[s for s in batch if s.get('view') == 'spurious'] for batch in _mixed(plain, masked, annotations)]
    figures = _run([SPURIOUS], batches, len(plain))
    assert figures['Spurious-mAP'] == evaluate_predictions(masked, annotations)['brief']['MR-full-mAP']
    assert 'Spurious-ratio' not in figures


def test_without_the_view_the_config_key_is_named():
    plain, _, annotations = _pairs()
    with pytest.raises(ValueError, match=r"dataset\.pipeline\.augment\.spurious=dict\(type='MaskTargets'"):
        run([SPURIOUS], data_samples(plain, annotations))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(protocol='tvsum'), "protocol 'tvsum' scores no moments"),
        (dict(thresholds=(0.5, 0.77)), r'thresholds \[0.77\]: expected some of'),
    ],
)
def test_bad_options(change, message):
    with pytest.raises(ValueError, match=message):
        _run([{**SPURIOUS, **change}], [], 0)
