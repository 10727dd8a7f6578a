"""Functions shared by all figures: matplotlib without a display, and colours."""

from __future__ import annotations

import os
from typing import Any

from mmvmr.utils.io import atomic_write

GREEN, RED, BLUE, GREY = '#2a9d4a', '#d1495b', '#3b6ea8', '#555555'


def new_figure(rows: int, columns: int, width: float, height: float, **grid: Any) -> tuple[Any, list[Any]]:
    """A figure that needs no display and does not change pyplot's global state.

    Args:
        rows: Rows of axes.
        columns: Columns of axes.
        width: In inches.
        height: In inches.
        grid: Options of the grid, e.g. ``height_ratios``.

    Returns:
        The figure and its axes, row by row.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout='constrained')
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(rows, columns, squeeze=False, gridspec_kw=grid).flat)


def save_figure(figure: Any, path: str | os.PathLike[str]) -> None:
    """Write a figure; the suffix of the path chooses the format.

    Args:
        figure: The figure.
        path: The file.
    """
    with atomic_write(path) as tmp:
        figure.savefig(tmp, dpi=120)
