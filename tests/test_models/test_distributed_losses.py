"""Two processes over gloo have the losses and gradients of one process with the joint batch."""

from pathlib import Path
from unittest import mock

import pytest
import torch
import torch.distributed as dist
from mmengine.config import Config
from run_helpers import in_two_processes
from testing import make_batch, shrink
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import mmvmr.models  # noqa: F401
from mmvmr.models.losses import gather
from mmvmr.registry import MODELS
from mmvmr.structures import Tokens, map_tensors

CONFIGS = Path(__file__).resolve().parents[2] / 'configs/_base_/models'
#: Options behind which another normaliser or contrast lies.
CHANGES = {
    # Noise of scale 0 is the same in every process.
    'sa_detr': {
        'query_initializer': {'noise': {'num_groups': 2, 'positive_scale': 0.0, 'negative_scale': 0.0}},
        'criterion': {'losses': {'clip_intra': {'directions': ('clips', 'batch')}}},
    },
    'cg_detr': {
        'criterion': {
            'losses': {
                'saliency_rank': {'false_negatives': 'added'},
                'attention_rank': {'false_negatives': 'ignored'},
            }
        }
    },
}
#: Moments of the six samples, three for each process. None in the whole process 1 in the second batch.
BATCHES = {'moments': (3, 1, 0, 1, 2, 0), 'none': (2, 0, 1, 0, 0, 0)}
CLIPS, WORDS = (13, 9, 6, 7, 8, 5), (7, 4, 5, 3, 6, 2)
#: A loss that differs between the two processes, where it is not that of spans.
DIFFERING = {'flash_vtg': 'loss_offset', 'r2_tuning': 'loss_offset', 'causal_vtg': 'loss_contrast'}
#: The third sample, one of process 0, is of another view; no sample is of the last one.
VIEWS = {'main': 1.0, 'noisy': 0.5, 'absent': 2.0}
CASES = [
    (name, moments, False)
    for name in ('qd_detr', 'sa_detr', 'bm_detr', 'flash_vtg', 'r2_tuning')
    for moments in BATCHES
]
CASES += [(name, 'moments', True) for name in ('qd_detr', 'sa_detr', 'cg_detr', 'uvcom', 'tr_detr', 'bam_detr', 'eatr')]
CASES += [(name, 'moments', True) for name in ('bm_detr', 'flash_vtg', 'causal_vtg')]


def own_words_reversed(features, targets, memory=None):
    """Negative sentences that do not depend on who else is in the batch, real ones for samples with a moment."""
    text = features.text
    return Tokens(text.feat.flip(-1), text.mask, text.pos), targets.span_mask[:, 0]


def build(method, weighted):
    cfg = Config.fromfile(CONFIGS / f'{method}.py').model
    cfg = shrink(cfg, CHANGES.get(method))
    cfg.criterion.view_weights = VIEWS if weighted else None
    torch.manual_seed(0)
    model = MODELS.build(cfg).train()
    with torch.no_grad():  # predictions start equal in some methods: a tie is matched either way
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.05)
    for module in model.modules():
        for name in ('p', 'dropout'):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
        if hasattr(module, 'sampler'):
            module.sampler = own_words_reversed
        if hasattr(module, 'samplers'):
            module.samplers = {'own': lambda features, targets: torch.arange(len(targets.views))}
        if isinstance(module, nn.Linear):  # encodings of positions are float32 whatever the model is
            module.register_forward_pre_hook(lambda linear, args: (args[0].to(linear.weight.dtype),))
    return model.double()


def batch_of(moments, weighted, rows=slice(None)):
    batch = make_batch(CLIPS, WORDS, BATCHES[moments])
    batch['data_samples'][2].set_metainfo({'view': 'noisy' if weighted else 'main'})
    # Other sentences that do not belong to the moment, for some of the samples (BM-DETR).
    negative = [features.flip(0)[:3] for features in batch['inputs']['text']]
    batch['inputs']['neg_text'] = [None if row in (1, 5) else words for row, words in enumerate(negative)]
    return {
        'inputs': {name: features[rows] for name, features in batch['inputs'].items()},
        'data_samples': batch['data_samples'][rows],
    }


def step(model, batch, detector):
    """Losses of one step; gradients are left in the parameters.

    In float64, and what models compute in float32 at least as well. Sums over both processes are made in another order
    than those of one, and a gradient whose terms cancel keeps the rounding of the terms: in float32 no tolerance holds
    for every processor.
    """
    data = detector.data_preprocessor(batch, training=True)
    data['inputs'] = map_tensors(data['inputs'], lambda t: t.double() if t.is_floating_point() else t)
    with mock.patch.object(torch.Tensor, 'float', torch.Tensor.double):
        losses = model(**data, mode='loss')
        sum(losses.values()).backward()
    return {name: value.detach() for name, value in losses.items()}


def gradients(model):
    return {name: parameter.grad for name, parameter in model.named_parameters()}


def worker(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group('gloo', init_method=f'file://{folder}/store', rank=rank, world_size=2)
    found = {}
    for case in CASES:
        method, moments, weighted = case
        model = build(method, weighted)
        losses = step(DistributedDataParallel(model), batch_of(moments, weighted, slice(3 * rank, 3 * rank + 3)), model)
        found[case] = (losses, gradients(model))
    found['ratio'] = [
        gather.joint_ratio(torch.tensor(6.0 * rank), rank),  # one entry among both processes
        gather.joint_ratio(torch.tensor(0.0), 0),
        gather.joint_mean(torch.arange(3.0 * rank)),  # no values in process 0
    ]
    torch.save(found, Path(folder) / f'{rank}.pt')
    dist.destroy_process_group()


@pytest.fixture(scope='module')
def processes(tmp_path_factory):
    """What two processes found for every case."""
    folder = tmp_path_factory.mktemp('gloo')
    return in_two_processes(worker, folder)


@pytest.mark.slow
@pytest.mark.parametrize('case', CASES, ids=lambda c: f'{c[0]}-{c[1]}{"-views" * c[2]}')
def test_two_processes_equal_one(processes, case):
    method, moments, weighted = case
    model = build(method, weighted)
    expected = step(model, batch_of(moments, weighted), model)
    (losses, grads), (other, other_grads) = (found[case] for found in processes)
    assert list(losses) == list(other) == list(expected)
    if weighted:
        assert any(name.endswith('@noisy') for name in losses)
        assert not any(name.endswith('@absent') for name in losses)
    for name, value in expected.items():
        torch.testing.assert_close((losses[name] + other[name]) / 2, value, rtol=1e-10, atol=1e-12)
    for name, value in gradients(model).items():
        torch.testing.assert_close(grads[name], other_grads[name], rtol=0, atol=0)
        torch.testing.assert_close(grads[name], value, rtol=1e-9, atol=1e-11)


@pytest.mark.slow
def test_cases_differ_between_processes(processes):
    """The comparison is not between equal halves: means of each process would not do."""
    for case in CASES:
        losses, other = (found[case][0] for found in processes)
        name = DIFFERING.get(case[0], 'loss_span')
        assert not torch.isclose(losses[name], other[name], rtol=1e-2)


@pytest.mark.slow
def test_ratio_over_both_processes(processes):
    found = torch.stack([torch.stack(part['ratio']) for part in processes])
    assert found.mean(0).tolist() == [6.0, 0.0, 1.0]


def test_alone_nothing_changes():
    count = torch.tensor(3)
    assert gather.mean_over_ranks(count) is count
    rows = torch.rand(3, 2)
    assert gather.gather_rows(rows)[0] is rows
    assert gather.joint_ratio(torch.tensor(6.0), 0) == 6
    assert gather.joint_ratio(torch.tensor([6.0, 1.0]), torch.tensor([4, 0])).tolist() == [1.5, 1.0]
    assert torch.equal(gather.joint_mean(rows), rows.mean())
