"""Base classes of losses: a named, weighted term over prediction sets or over the outputs as a whole.

Every mean over a batch is taken with the functions of :mod:`.gather`, so that several processes train as one does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from mmvmr.models.losses.gather import joint_mean, joint_ratio
from mmvmr.models.task_modules import Matched
from mmvmr.structures import MomentTargets, Outputs, PredictionSet
from mmvmr.utils import check_choice


class SetLoss(nn.Module):
    """A loss over one prediction set and its pairs, applied to every set that it accepts.

    Args:
        weight: Factor in the total.
        sets: Names of the sets that it applies to.
        final_only: Leave intermediate decoder layers out.
    """

    def __init__(self, weight: float = 1.0, sets: Sequence[str] = ('direct',), final_only: bool = False):
        super().__init__()
        self.weight = weight
        self.sets = tuple(sets)
        self.final_only = final_only

    def accepts(self, predictions: PredictionSet) -> bool:
        """Tell whether the loss applies to this set."""
        return predictions.name in self.sets and (predictions.final or not self.final_only)

    def forward(self, predictions: PredictionSet, matched: Matched, targets: MomentTargets) -> Tensor:
        """Compute the unweighted loss of one set.

        Args:
            predictions: The set.
            matched: Its pairs.
            targets: Ground truth of the batch.

        Returns:
            A scalar.
        """
        raise NotImplementedError


class DenseLoss(nn.Module):
    """A loss over the outputs as a whole (clips, features, the batch).

    Args:
        weight: Factor in the total.

    Attributes:
        described_only: The loss takes every video and its sentence for a pair that belongs together: the criterion
            leaves out sentences that describe nothing in their video.
    """

    described_only: ClassVar[bool] = False

    def __init__(self, weight: float = 1.0):
        super().__init__()
        self.weight = weight

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the unweighted loss.

        Args:
            outputs: Everything that the model produced.
            targets: Ground truth of the batch.

        Returns:
            A scalar.
        """
        raise NotImplementedError


def check_padding(loss: nn.Module, padding: str) -> str:
    """Return ``padding`` if it is a known option of ``loss``.

    Raises:
        ValueError: If it is not.
    """
    return check_choice(loss, 'padding', padding, ('exclude', 'include'))


def padded_mean(values: Tensor, mask: Tensor, padding: str) -> Tensor:
    """Mean over the entries that exist, or over all that a batch holds.

    Args:
        values: Any shape.
        mask: Which of them exist.
        padding: ``exclude``, or ``include`` as much published code does, whose losses then depend on what else is in
            the batch.

    Returns:
        A scalar.
    """
    if padding == 'include':
        return joint_mean(values)
    return joint_ratio((values * mask).sum(), mask.sum())
