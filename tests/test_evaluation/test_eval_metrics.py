"""The registered metrics: same figures as the functions, on one process and on two with uneven shards."""

import copy
import json
import math

import pytest
import torch
import torch.multiprocessing as mp
from eval_data import random_rows
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData

from mmvmr.evaluation import HighlightMetric, MomentRetrievalMetric
from mmvmr.evaluation.functional import InputError, evaluate_predictions
from mmvmr.evaluation.metrics import query_metric
from mmvmr.registry import METRICS
from mmvmr.structures import MomentDataSample
from mmvmr.utils.io import read_jsonl


def data_samples(predictions, annotations):
    """What a detector returns in predict mode."""
    samples = []
    for pred, row in zip(predictions, annotations):
        meta = {'qid': row['qid'], 'query': 'a person opens a door', 'vid': 'v', 'duration': row['duration']}
        sample = MomentDataSample(metainfo={**meta, 'annotation': row})
        triples = torch.tensor(pred['pred_relevant_windows'], dtype=torch.float32).reshape(-1, 3)
        sample.pred_instances = InstanceData(windows=triples[:, :2], scores=triples[:, 2])
        sample.pred_saliency = torch.tensor(pred['pred_saliency_scores'])
        samples.append(sample)
    return samples


@pytest.fixture
def logged(monkeypatch):
    """Warnings of the metrics, whatever logger the tests before have left as the current one."""
    messages = []
    monkeypatch.setattr(query_metric, 'print_log', lambda message, **kwargs: messages.append(message))
    return messages


def run(metrics, samples, size=None):
    evaluator = Evaluator([METRICS.build(metric) if isinstance(metric, dict) else metric for metric in metrics])
    for i in range(0, len(samples), 4):
        evaluator.process(samples[i : i + 4])
    return evaluator.evaluate(len(samples) if size is None else size)


def test_figures_names_and_file(tmp_path):
    predictions, annotations = random_rows(1)
    outfile = tmp_path / 'deep' / 'preds.jsonl'
    metrics = [dict(type='MomentRetrievalMetric', outfile=str(outfile)), dict(type='HighlightMetric')]
    figures = run(metrics, data_samples(predictions, annotations))
    report = evaluate_predictions(predictions, annotations)
    assert figures == report['brief']
    assert {'MR-full-mAP', 'MR-full-R1@0.5', 'MR-full-mIoU', 'HL-min-VeryGood-mAP'} <= set(figures)

    written = read_jsonl(outfile)
    assert list(written[0]) == ['qid', 'query', 'vid', 'pred_relevant_windows', 'pred_saliency_scores']
    assert written[3]['query'] == 'a person opens a door'
    assert evaluate_predictions(written, annotations) == report
    assert [path.name for path in outfile.parent.iterdir()] == ['preds.jsonl']


def test_written_file_scores_as_the_metric_did(tmp_path):
    """Unrounded predictions: the metric scores what the file holds, not what was in memory."""
    torch.manual_seed(0)
    _, annotations = random_rows(2)
    samples = data_samples(random_rows(2)[0], annotations)
    for sample, row in zip(samples, annotations):
        ends = (torch.rand(10, 2) * row['duration']).sort(dim=1).values
        sample.pred_instances = InstanceData(windows=ends, scores=torch.rand(10) * 1e-4)
        sample.pred_saliency = torch.randn(row['duration'] // 2)
    outfile = tmp_path / 'preds.jsonl'
    figures = run([MomentRetrievalMetric(outfile=str(outfile)), HighlightMetric()], samples)
    assert evaluate_predictions(read_jsonl(outfile), annotations)['brief'] == figures
    window = read_jsonl(outfile)[0]['pred_relevant_windows'][0]
    assert window == [round(value, 4) for value in window], 'published files have four decimals'
    stored = torch.tensor(read_jsonl(outfile)[0]['pred_saliency_scores'])
    assert torch.equal(stored, samples[0].pred_saliency)


def test_prefix_is_none_unless_asked_for():
    predictions, annotations = random_rows(1, count=5)
    samples = data_samples(predictions, annotations)
    assert 'MR-full-mAP' in run([MomentRetrievalMetric()], samples)
    assert 'ood/MR-full-mAP' in run([MomentRetrievalMetric(prefix='ood')], samples)


def test_protocol_option():
    metric = METRICS.build(dict(type='MomentRetrievalMetric', protocol='charades'))
    assert 'MR-full-R5@0.5' in run([metric], data_samples(*random_rows(1)))
    with pytest.raises(ValueError, match="protocol 'charades' does not score highlights"):
        HighlightMetric(protocol='charades')


def test_hidden_test_split_is_written_not_scored(tmp_path, logged):
    predictions, annotations = random_rows(1, count=6)
    hidden = [{'qid': row['qid'], 'duration': row['duration']} for row in annotations]
    outfile = tmp_path / 'test.jsonl'
    metrics = [MomentRetrievalMetric(outfile=str(outfile)), HighlightMetric()]
    assert run(metrics, data_samples(predictions, hidden)) == {}
    assert 'no sample has relevant_windows' in ' '.join(logged)
    assert 'highlights are not scored' in ' '.join(logged)
    assert [row['qid'] for row in read_jsonl(outfile)] == list(range(6))


def test_empty_range_is_nan_and_logged(logged):
    annotations = [{'qid': 1, 'duration': 30, 'relevant_windows': [[2, 8]]}]
    predictions = [{'pred_relevant_windows': [[2, 8, 1]], 'pred_saliency_scores': [0.0]}]
    metric = MomentRetrievalMetric(protocol='charades')
    for _ in range(2):
        assert math.isnan(run([metric], data_samples(predictions, annotations))['MR-long-mAP'])
    assert [m.count('longer than 30 s') for m in logged] == [1, 0]


def test_model_without_heads(logged):
    predictions, annotations = random_rows(1, count=3)
    samples = [MomentDataSample(metainfo=s.metainfo) for s in data_samples(predictions, annotations)]
    assert run([HighlightMetric()], samples) == {}
    assert 'predicts no saliency' in ' '.join(logged)
    with pytest.raises(ValueError, match='has no pred_instances'):
        run([MomentRetrievalMetric()], [MomentDataSample(metainfo=dict(qid=1))])


def test_nan_prediction_is_an_error_and_leaves_no_file(tmp_path):
    predictions, annotations = random_rows(1, count=3)
    predictions[1]['pred_relevant_windows'] = [[0.0, math.nan, 0.5]]
    outfile = tmp_path / 'preds.jsonl'
    with pytest.raises(InputError, match=r'qid 1\): end of pred_relevant_windows\[0\] is nan'):
        run([MomentRetrievalMetric(outfile=str(outfile))], data_samples(predictions, annotations))
    assert not outfile.exists()


def _worker(rank, folder):
    torch.distributed.init_process_group('gloo', init_method=f'file://{folder}/store', rank=rank, world_size=2)
    torch.set_num_threads(1)
    predictions, annotations = random_rows(7, count=11)
    # Uneven, and the padding is not at the end: query 0 comes a second time in the middle of the second shard, with
    # another prediction, so that counting it twice or cutting the joined list to 11 changes the figures.
    repeated = copy.deepcopy(predictions[0])
    repeated['pred_relevant_windows'] = [[0, 2, 1.0]]
    shards = [list(zip(predictions, annotations))[:8], list(zip(predictions, annotations))[8:]]
    shards[1].insert(1, (repeated, annotations[0]))
    outfile = f'{folder}/preds.jsonl'
    figures = run(
        [MomentRetrievalMetric(outfile=outfile), HighlightMetric()], data_samples(*zip(*shards[rank])), size=11
    )
    with open(f'{folder}/figures_{rank}.json', 'w') as out:
        json.dump(figures, out)

    broken = copy.deepcopy(shards[rank])
    if rank == 1:
        broken[0][0]['pred_relevant_windows'] = [[0.0, math.nan, 0.5]]
    try:
        run([MomentRetrievalMetric()], data_samples(*zip(*broken)), size=11)
    except InputError:
        with open(f'{folder}/raised_{rank}', 'w'):
            pass
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_with_uneven_shards(tmp_path):
    mp.spawn(_worker, args=(str(tmp_path),), nprocs=2)
    predictions, annotations = random_rows(7, count=11)
    expected = evaluate_predictions(predictions, annotations)['brief']
    for rank in range(2):
        assert json.loads((tmp_path / f'figures_{rank}.json').read_text()) == expected
        assert (tmp_path / f'raised_{rank}').exists(), 'an error on one process must end all of them'
    assert sorted(row['qid'] for row in read_jsonl(tmp_path / 'preds.jsonl')) == list(range(11))
