"""Names that the recordings of implementations derived from Moment-DETR have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.models.layers import AnchorQueryPosition
from mmvmr.structures import Outputs, Queries
from parity.recording import Tensors


def prediction_arrays(outputs: Outputs) -> dict[str, Tensor]:
    """Predictions of the final and the intermediate layers under the official names."""
    arrays = {}
    for predictions in outputs.sets:
        if predictions.name != 'direct':
            continue
        prefix = '' if predictions.final else f'aux_{predictions.layer}.'
        arrays[f'{prefix}pred_spans'] = predictions.spans
        if predictions.logits is not None:
            arrays[f'{prefix}pred_logits'] = predictions.logits
    if outputs.saliency is not None:
        arrays['saliency_scores'] = outputs.saliency
    return arrays


def projection_arrays(outputs: Outputs) -> dict[str, Tensor]:
    """Projected inputs and the position code under the official names."""
    return {
        'inter.src_vid': outputs.features.video.feat,
        'inter.src_txt': outputs.features.text.feat,
        'inter.pos_vid': outputs.features.video.position(),
    }


def family_losses(terms: Mapping[str, tuple[float, Tensor]], saliency: Iterable[str]) -> dict[str, Tensor]:
    """Unweighted terms under the official names.

    Args:
        terms: Our terms, name to weight and value.
        saliency: Names of the terms that the official ``loss_saliency`` adds up.

    Returns:
        Official name to value, with the weighted ``total``.
    """
    losses = {}
    for name, (_, value) in terms.items():
        base, _, layer = name.partition('.')
        if base in ('span', 'giou', 'label'):
            losses[f'loss_{base}' + (f'_{layer}' if layer else '')] = value
    losses['loss_saliency'] = sum(terms[name][1] for name in saliency)
    losses['total'] = sum(weight * value for weight, value in terms.values())
    return losses


def outputs_while(run: Callable[[], Any], modules: Mapping[str, nn.Module]) -> dict[str, Any]:
    """Last output of every module while ``run()`` runs, by name."""
    caught: dict[str, Any] = {}
    handles = [
        module.register_forward_hook(lambda _m, _i, out, name=name: caught.__setitem__(name, out))
        for name, module in modules.items()
    ]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return caught


def output_while(run: Callable[[], Any], module: nn.Module) -> Any:
    """Last output of one module while ``run()`` runs."""
    return outputs_while(run, {'': module})['']


def sine_code(outputs: Mapping[str, Tensor], width_first: bool = False) -> Iterator[tuple[str, Tensors, Tensors]]:
    """The code of spans at the width that the official function is written for, where it was recorded.

    Args:
        outputs: Content of ``outputs.npz``.
        width_first: Whether the code of the width stands before that of the center.

    Yields:
        Name of the group, ours and the recorded numbers, as :attr:`OfficialMethod.extra` does.
    """
    recorded = {n: v for n, v in outputs.items() if n.startswith('extra.') and n != 'extra.sine256_in'}
    if recorded:
        yield 'sine code', {'extra.sine256_out': _sine(outputs['extra.sine256_in'], width_first)}, recorded


def _sine(spans: Tensor, width_first: bool) -> Tensor:
    """What the code of a span is made of, caught at the entrance of the MLP behind it (B, N, 256)."""
    position = AnchorQueryPosition(256, width_first=width_first, modulate=False)
    caught: list[Tensor] = []
    position.point_head.register_forward_hook(lambda _m, given, _out: caught.append(given[0]))
    position(Queries(content=torch.zeros(*spans.shape[:2], 256)), torch.zeros(*spans.shape[:2], 256), spans, 0)
    return caught[0]
