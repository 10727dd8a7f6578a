"""A training stops at the first NaN, and what was good stays."""

import math
import re

import pytest
import torch
from mmengine.structures import InstanceData
from run_helpers import REPO
from torch import nn

from mmvmr.engine import MomentRunner
from mmvmr.engine.hooks import TrainingDivergedError
from mmvmr.engine.hooks.finite_guard_hook import gradient_norm, predictions
from mmvmr.engine.run import first_step
from mmvmr.structures import MomentDataSample
from mmvmr.utils.cli import UserError, load_config
from mmvmr.utils.setup import setup_env

pytestmark = pytest.mark.slow
# A point detector, whose losses need no matching, on embedded data.
CONFIG = """
_base_ = [
    '{repo}/configs/_base_/models/univtg.py',
    '{repo}/configs/_base_/datasets/synthetic.py',
    '{repo}/configs/_base_/schedules/schedule_quick.py',
    '{repo}/configs/_base_/default_runtime.py',
]
model = dict(shared=dict(embed_dims=32, num_heads=4, ffn_dims=64))
train_dataloader = dict(batch_size=4, dataset=dict(num_videos=8, limit=16))
val_dataloader = dict(batch_size=4, dataset=dict(num_videos=4, limit=4))
train_cfg = dict(max_epochs=3, val_interval=1)
param_scheduler = None
optim_wrapper = dict(clip_grad=None)
"""


def make_runner(folder, clip=None, **options):
    path = folder / 'config.py'
    path.write_text(CONFIG.format(repo=REPO.as_posix()))
    cfg = load_config(str(path), options)
    cfg.work_dir = str(folder / 'work')
    cfg.optim_wrapper.clip_grad = clip
    cfg.experiment_name = folder.name
    setup_env(cfg)
    return MomentRunner.from_cfg(cfg)


def poison(runner, change, iteration):
    """Apply a change to the losses of one iteration."""
    real = runner.model._run_forward

    def forward(*args, **kwargs):
        losses = real(*args, **kwargs)
        if kwargs.get('mode') == 'loss' and runner.iter == iteration:
            name = next(iter(losses))
            losses[name] = change(losses[name])
        return losses

    runner.model._run_forward = forward


class FiniteWithInfiniteGradient(torch.autograd.Function):
    """Identity whose gradient is infinite."""

    @staticmethod
    def forward(ctx, value):
        return value.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * math.inf


@pytest.mark.parametrize('clip', [None, dict(max_norm=0.1), dict(type='value', clip_value=0.1)])
@pytest.mark.parametrize(
    ('change', 'what'),
    [
        (lambda loss: loss * math.nan, 'loss_.* is nan'),
        (lambda loss: loss + math.inf, 'loss_.* is inf'),
        (FiniteWithInfiniteGradient.apply, 'the gradients are NaN or infinite'),
    ],
)
def test_stops_with_the_last_good_checkpoint(tmp_path, change, what, clip):
    if clip and clip.get('type') == 'value' and 'gradients' in what:
        pytest.skip('infinite gradients are cut to finite ones')
    runner = make_runner(tmp_path, clip)
    poison(runner, change, 5)  # in the second epoch of four iterations
    with pytest.raises(TrainingDivergedError) as error:
        runner.train()
    text = str(error.value)
    assert re.search(f'epoch 2, iteration 6: .*{what}', text) and '\n' not in text
    assert f'The last good checkpoint is {tmp_path / "work" / "epoch_1.pth"}' in text
    assert sorted(path.name for path in (tmp_path / 'work').glob('epoch_*.pth')) == ['epoch_1.pth']


def test_weights_that_overflow_are_neither_saved_nor_validated(tmp_path):
    runner = make_runner(tmp_path, **{'optim_wrapper.optimizer.lr': 1e30})
    with pytest.raises(TrainingDivergedError, match='No checkpoint was saved before'):
        runner.train()
    assert not list((tmp_path / 'work').glob('*.pth'))


def test_no_batch_is_an_error_before_training(tmp_path):
    options = {'train_dataloader.batch_size': 32, 'train_dataloader.drop_last': True}
    with pytest.raises(ValueError, match=r'train_dataloader: an epoch has no batch \(16 samples, batch_size=32'):
        make_runner(tmp_path, **options).train()
    assert not list((tmp_path / 'work').glob('*.pth'))


def test_norm_of_all_gradients():
    layer = nn.Linear(1, 2)
    assert gradient_norm(layer.parameters()) is None
    layer.weight.grad, layer.bias.grad = torch.tensor([[1.0], [2.0]]), torch.tensor([2.0, 4.0])
    assert gradient_norm(layer.parameters()).item() == 5.0  # sqrt(1 + 4 + 4 + 16)


@pytest.mark.parametrize(
    ('iteration', 'kind', 'message'),
    [
        (0, UserError, r'first step of training failed in .*: TypeError: odd\. Is a value of the config wrong'),
        (1, TypeError, r'^odd$'),
    ],
)
def test_errors_of_the_first_step_are_told_in_one_line(tmp_path, iteration, kind, message):
    def odd(_):
        raise TypeError('odd')

    runner = make_runner(tmp_path)
    poison(runner, odd, iteration)
    with pytest.raises(kind, match=message), first_step(runner):
        runner.train()


@pytest.mark.parametrize('probability', [0.3, math.nan])
def test_existence_is_checked(probability):
    sample = MomentDataSample(metainfo=dict(qid=1, pred_existence=probability, pred_accepted=True))
    sample.pred_instances = InstanceData(scores=torch.ones(2), windows=torch.zeros(2, 2))
    names = [name for name, value in predictions([sample]) if value.isnan().any()]
    assert names == (['pred_existence of sample 0'] if math.isnan(probability) else [])
    assert len(list(predictions([sample]))) == 3


def test_an_existence_head_is_trained_and_scored(tmp_path):
    runner = make_runner(
        tmp_path,
        **{
            'model.existence_head': dict(type='ExistenceHead', source='clips'),
            'model.criterion.losses.existence': dict(type='ExistenceLoss'),
            'train_dataloader.dataset.pipeline.augment.false_premise': dict(type='FalsePremise'),
            'train_cfg.max_epochs': 1,
            'val_evaluator': [
                dict(type='MomentRetrievalMetric', protocol='qvhighlights'),
                dict(type='MomentRetrievalMetric', protocol='gmr'),
            ],
        },
    )
    runner.train()
    scalars = runner.message_hub.log_scalars
    assert math.isfinite(scalars['train/loss_existence'].current())
    assert 0 <= scalars['val/mAP-all'].current() <= 100
