"""Groups of compared numbers and their tolerances."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor


@dataclass
class Tolerances:
    """Largest allowed differences.

    Attributes:
        outputs: Of outputs and intermediates: absolute, relative above 1.
        losses: Of losses, relative.
        gradients: Of gradient norms, relative.
        gradient_floor: Of gradient norms, absolute: what is allowed in any case, as mathematically zero gradients are
            recorded as rounding noise.
    """

    outputs: float = 5e-5
    losses: float = 1e-5
    gradients: float = 1e-2
    gradient_floor: float = 1e-6

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> Tolerances:
        """The defaults, overridden by ``tolerances`` and ``tolerance_note`` (on gradients) of a ``config.json``."""
        named = dict(config.get('tolerances') or {})
        note = re.search(
            r'[Gg]radient norms.*?absolute tolerance of (\d[\d.]*e-\d+)', config.get('tolerance_note') or ''
        )
        if note:
            named.setdefault('gradient_floor', note[1])
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{key: float(value) for key, value in named.items() if key in known})


@dataclass
class Group:
    """Comparison of one group of numbers.

    Attributes:
        name: Name of the group, with the variant it belongs to.
        tolerance: Largest allowed scaled difference.
        count: How many arrays were compared.
        worst: Largest scaled difference.
        where: The array that has it.
        missing: Recorded arrays that nothing was compared with.
    """

    name: str
    tolerance: float
    count: int = 0
    worst: float = 0.0
    where: str = ''
    missing: list[str] = field(default_factory=list)

    def add(self, name: str, difference: float) -> None:
        """Take one array into account; NaN counts as infinitely wrong."""
        self.count += 1
        difference = float('inf') if np.isnan(difference) else difference
        if difference > self.worst or not self.where:
            self.worst, self.where = difference, name

    @property
    def passed(self) -> bool:
        """Whether something was compared, nothing is missing and all lies within the tolerance."""
        return self.count > 0 and not self.missing and self.worst <= self.tolerance


def scaled_difference(found: Tensor, reference: Tensor) -> float:
    """Largest difference, absolute up to 1 and relative above."""
    if found.shape != reference.shape:
        return float('inf')
    reference = reference.double()
    difference = (found.double() - reference).abs() / reference.abs().clamp(min=1)
    return difference.max().item() if difference.numel() else 0.0
