"""The criterion: match every prediction set once, add up named losses, weight views."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.models.builder import build_named
from mmvmr.models.losses import SetLoss
from mmvmr.models.losses.gather import mean_over_ranks, num_processes
from mmvmr.registry import MODELS, TASK_UTILS
from mmvmr.structures import MomentTargets, Outputs, PredictionSet, map_tensors, select_samples


@MODELS.register_module()
class MomentCriterion(nn.Module):
    """Sum of named losses.

    Set losses are applied to every prediction set that they accept, dense losses to the outputs as a whole. The
    names become log entries: ``loss_span`` (final layer), ``loss_span.0`` (decoder layer 0), ``loss_span.noise.1``
    (group ``noise``, layer 1).

    Under distributed training every mean runs over the rows of all processes (see :mod:`.losses.gather`); all of them
    must compute the losses together.

    Args:
        losses: Name to config; a child config changes one by its name or removes it with None.
        assigner: Config of the assigner; None where no loss needs a match.
        view_weights: None computes every mean over all rows of the batch, whatever their view. A dict computes the
            losses of each named view on its own rows and adds them with these factors; views that it does not name
            are left out, and so are views that no sample of the step has. A process without samples of a view that
            another process has computes its losses on no rows: they are 0.
    """

    def __init__(
        self,
        losses: Mapping[str, dict[str, Any] | None],
        assigner: dict[str, Any] | None = None,
        view_weights: Mapping[str, float] | None = None,
    ):
        super().__init__()
        self.losses = nn.ModuleDict(build_named(losses))
        self.assigner = None if assigner is None else TASK_UTILS.build(assigner)
        self.view_weights = view_weights
        self._sets_checked = False  # in the first step: those of a model are always the same
        if self.assigner is None and any(isinstance(loss, SetLoss) for loss in self.losses.values()):
            raise ValueError('model.criterion has losses over prediction sets and no assigner: set criterion.assigner')

    def forward(self, outputs: Outputs, targets: MomentTargets) -> dict[str, Tensor]:
        """Compute the weighted losses of a batch.

        Args:
            outputs: Everything that the model produced.
            targets: Ground truth of the batch.

        Returns:
            Log name to weighted scalar; their sum is the total.
        """
        device = targets.spans.device.type
        with torch.autocast(device, enabled=False):
            outputs = map_tensors(outputs, lambda t: t.float() if t.is_floating_point() else t)
            return {f'loss_{name}': weight * value for name, (weight, value) in self.terms(outputs, targets).items()}

    def _view_rows(self, targets: MomentTargets) -> dict[str, list[int]]:
        """Batch rows of each weighted view that occurs in this step in any process."""
        rows_of_view = {view: [i for i, name in enumerate(targets.views) if name == view] for view in self.view_weights}
        present = [len(rows) for rows in rows_of_view.values()]
        if num_processes() > 1:
            present = mean_over_ranks(torch.tensor(present, device=targets.spans.device)).tolist()
        return {view: rows for (view, rows), count in zip(rows_of_view.items(), present) if count}

    def terms(self, outputs: Outputs, targets: MomentTargets) -> dict[str, tuple[float, Tensor]]:
        """Compute every loss on its own.

        Args:
            outputs: Everything that the model produced, in float32.
            targets: Ground truth of the batch.

        Returns:
            Log name (without ``loss_``) to weight and unweighted value; names of weighted views other than ``main``
            end in ``@<view>``, and their weight is that of the loss times that of the view.
        """
        if self.view_weights is None:
            return self._terms(outputs, targets)
        terms: dict[str, tuple[float, Tensor]] = {}
        for view, rows in self._view_rows(targets).items():
            factor, suffix = self.view_weights[view], '' if view == 'main' else f'@{view}'
            part = self._terms(*select_rows(outputs, targets, rows))
            terms.update({f'{name}{suffix}': (factor * weight, value) for name, (weight, value) in part.items()})
        return terms

    def _terms(self, outputs: Outputs, targets: MomentTargets) -> dict[str, tuple[float, Tensor]]:
        """The terms of samples that are all of one kind."""
        wanted = [s for s in outputs.sets if any(self._applies(loss, s) for loss in self.losses.values())]
        if self.training and not self._sets_checked:
            self._require_sets(outputs.sets)
            self._sets_checked = True
        pairs = self.assigner(wanted, targets) if wanted else []
        described, factor = (outputs, targets), 1.0
        if targets.described is not None and any(getattr(x, 'described_only', False) for x in self.losses.values()):
            if mean_over_ranks(targets.described.sum()) > 0:
                described = select_rows(outputs, targets, targets.described.nonzero().squeeze(1).tolist())
            else:
                factor = 0.0  # no pair in any process; the losses stay connected to the graph
        terms: dict[str, tuple[float, Tensor]] = {}
        for name, loss in self.losses.items():
            if not isinstance(loss, SetLoss):
                if loss.described_only:
                    terms[name] = (loss.weight, factor * loss(*described))
                else:
                    terms[name] = (loss.weight, loss(outputs, targets))
                continue
            for predictions, matched in zip(wanted, pairs):
                if loss.accepts(predictions):
                    terms[name + set_suffix(predictions)] = (loss.weight, loss(predictions, matched, targets))
        return terms

    def _require_sets(self, sets: list[PredictionSet]) -> None:
        """Refuse a loss on a prediction set that a training step does not make: it would silently be left out."""
        for name, loss in self.losses.items():
            if not isinstance(loss, SetLoss):
                continue
            accepted = {predictions.name for predictions in sets if loss.accepts(predictions)}
            if missing := [kind for kind in loss.sets if kind not in accepted]:
                made = ', '.join(dict.fromkeys(f'{s.name} (final)' if s.final else s.name for s in sets))
                raise ValueError(
                    f'model.criterion.losses.{name} is of the prediction sets {", ".join(missing)}'
                    f'{" (final)" if loss.final_only else ""}, and the model makes {made or "none"}: correct `sets`, '
                    'add the part that makes them, or set the loss to None'
                )

    @staticmethod
    def _applies(loss: nn.Module, predictions: PredictionSet) -> bool:
        return isinstance(loss, SetLoss) and loss.accepts(predictions)


def set_suffix(predictions: PredictionSet) -> str:
    """Log suffix of a set: empty for the final one, else group and layer."""
    if predictions.final:
        return ''
    group = '' if predictions.name == 'direct' else f'.{predictions.name}'
    return f'{group}.{predictions.layer}'


def select_rows(outputs: Outputs, targets: MomentTargets, rows: list[int]) -> tuple[Outputs, MomentTargets]:
    """Keep some samples of a batch.

    Returns:
        Outputs and targets of these samples.

    Raises:
        ValueError: If a tensor does not have the samples of the batch along the axis that its field declares.
    """
    batch = len(targets.views)
    index = torch.tensor(rows, dtype=torch.long, device=targets.spans.device)
    paired = dataclasses.replace(outputs, features=outputs.features.paired())
    selected = select_samples(targets, index, batch)
    return select_samples(paired, index, batch), dataclasses.replace(
        selected, views=[targets.views[row] for row in rows]
    )
