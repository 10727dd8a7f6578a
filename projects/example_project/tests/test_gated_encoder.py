"""The config of this package builds, and gradients reach what the package adds."""

from pathlib import Path

from mmengine.runner import Runner

from mmvmr.registry import MODELS
from mmvmr.utils.cli import load_config
from mmvmr.utils.setup import register_all_modules

CONFIG = Path(__file__).resolve().parents[1] / 'configs' / 'gated_synthetic.py'


def test_a_training_step():
    """Finite losses, and a gradient in the gate."""
    register_all_modules()
    cfg = load_config(str(CONFIG), {'train_dataloader.dataset.num_videos': 2, 'train_dataloader.batch_size': 2})
    model = MODELS.build(cfg.model).train()
    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
    losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
    total = sum(losses.values())
    total.backward()
    assert total.isfinite()
    assert model.encoder.gate.weight.grad.abs().sum() > 0
