"""A component for ``tools/compose.py``: the encoder of this package on any config."""

from __future__ import annotations

from mmengine.config import Config

from mmvmr.composition import Component, Stage, add_import
from mmvmr.registry import COMPONENTS


@COMPONENTS.register_module('example.gate')
class GateComponent(Component):
    """A gate from the mean word in the place of the encoder.

    Args:
        num_layers: Self-attention layers after the gate.
    """

    source = 'this package'
    slots = ('model.encoder', 'model.criterion.losses', 'custom_imports')
    stage = Stage.FUSION  # before components that wrap the encoder

    def __init__(self, num_layers: int = 2) -> None:
        self.num_layers = num_layers

    def apply(self, cfg: Config) -> None:
        """Replace the encoder, and drop the loss that needs encoded negative sentences."""
        layers = dict(type='TransformerEncoder', num_layers=self.num_layers, layer=dict(type='EncoderLayer'))
        cfg.model.encoder = dict(type='GatedMeanEncoder', layers=layers)
        losses = cfg.model.criterion.losses
        for name, loss in losses.items():
            if loss is not None and loss.type == 'SaliencyNegativeLoss':
                losses[name] = None
        add_import(cfg, 'example_project')  # the config that is written needs this package
