"""SnAG, https://github.com/fmu2/snag_release."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mmvmr.conversion.methods.snag import METHOD
from mmvmr.structures import Outputs, PointPredictions
from parity.methods.snag_functions import compare_functions
from parity.methods.snag_inputs import read_inputs, read_targets
from parity.recording import Case, Recording, Tensors, load_arrays


def _arrays(model: nn.Module, inputs: Tensors, outputs: Outputs) -> Tensors:
    """Everything channel first, level by level."""
    levels, fused, final = model.encoder.video(outputs.features.video), outputs.memory.levels, outputs.final
    text = outputs.memory.text
    arrays = {'text': text.feat.transpose(1, 2), 'text_masks': text.mask.unsqueeze(1)}
    lengths = [level.feat.shape[1] for level in fused]
    logits, offsets = (
        final.logits.squeeze(-1).split(lengths, 1),
        final.extra(PointPredictions, 'parity').offsets.split(lengths, 1),
    )
    for i, (before, after) in enumerate(zip(levels, fused)):
        arrays[f'fpn_{i}'] = before.feat.transpose(1, 2)
        arrays[f'fpn_masks_{i}'] = before.mask.unsqueeze(1)
        arrays[f'fused_{i}'] = after.feat.transpose(1, 2)
        arrays[f'logits_{i}'], arrays[f'offsets_{i}'], arrays[f'masks_{i}'] = logits[i], offsets[i], after.mask
    return arrays


def _losses(terms: Mapping[str, tuple[float, Tensor]]) -> Tensors:
    total = sum(weight * value for weight, value in terms.values())
    return {'cls': terms['foreground'][1], 'reg': terms['span'][1], 'total': total}


def _cases(folder: Path, config: Mapping[str, Any]) -> list[Case]:
    recorded = load_arrays(folder / 'losses.npz')
    losses = {n: v for n, v in recorded.items() if n in ('cls', 'reg', 'total') or n.startswith('gradnorm/')}
    return [Case('', load_arrays(folder / 'outputs.npz'), losses)]


RECORDING = Recording(
    method=METHOD,
    arrays=_arrays,
    losses=_losses,
    cases=_cases,
    targets=read_targets,
    inputs=read_inputs,
    extra=compare_functions,
)
