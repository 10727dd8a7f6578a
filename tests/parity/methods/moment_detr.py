"""Moment-DETR, https://github.com/jayleicn/moment_detr."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from mmvmr.conversion.methods.moment_detr import METHOD
from mmvmr.structures import Outputs
from parity.data import recorded_arrays
from parity.methods import detr_family as family
from parity.recording import Recording, Tensors


def _arrays(model: nn.Module, inputs: Tensors, outputs: Outputs) -> Tensors:
    layer0 = family.output_while(lambda: model.encoder(outputs.features), model.encoder.layers.layers[0])
    return {
        **family.prediction_arrays(outputs),
        **family.projection_arrays(outputs),
        'inter.memory': outputs.memory.context.feat,
        'inter.hs': outputs.decoded.hidden,
        'inter.enc_layer0': layer0,
    }


def _losses(terms: Mapping[str, tuple[float, Tensor]]) -> Tensors:
    return family.family_losses(terms, ['saliency_margin'])


RECORDING = Recording(
    method=METHOD,
    arrays=_arrays,
    losses=_losses,
    data=recorded_arrays,
)
