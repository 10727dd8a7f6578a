"""Functions shared by all figures: matplotlib without a display, and colours."""

from __future__ import annotations

import logging
import os
import re
import warnings
from functools import cache
from typing import Any

from mmengine.logging import print_log

from mmvmr.utils.io import atomic_write

GREEN, RED, BLUE, GREY = '#2a9d4a', '#d1495b', '#3b6ea8', '#555555'


# Fonts that usually come with systems and have the characters that matplotlib's own lacks.
FALLBACK_FONTS = (
    *('Noto Sans CJK SC', 'Noto Sans CJK JP', 'Noto Sans CJK KR', 'Source Han Sans SC', 'WenQuanYi Zen Hei'),
    *('WenQuanYi Micro Hei', 'Droid Sans Fallback', 'Microsoft YaHei', 'SimHei', 'MS Gothic', 'Malgun Gothic'),
    *('PingFang SC', 'Hiragino Sans', 'Apple SD Gothic Neo', 'Arial Unicode MS', 'Noto Sans', 'Noto Sans Devanagari'),
    *('Noto Sans Thai', 'Noto Sans Bengali', 'Noto Sans Tamil'),
)
_MISSING_GLYPH = re.compile(r'Glyph (\d+) .* missing from')


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
    """Write a figure; the suffix of the path chooses the format."""
    _widen_fonts(figure)
    with warnings.catch_warnings(record=True) as caught, atomic_write(path) as tmp:
        warnings.simplefilter('always')
        figure.savefig(tmp, dpi=120)
    missing = {glyph[1] for warning in caught if (glyph := _MISSING_GLYPH.search(str(warning.message)))}
    for warning in caught:
        if not _MISSING_GLYPH.search(str(warning.message)):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    if missing:
        characters = ''.join(sorted(chr(int(code)) for code in missing))[:20]
        print_log(
            f'{path}: no installed font has {len(missing)} characters, which are drawn as boxes ({characters}); '
            'install a font that has them, e.g. Noto Sans CJK (Debian: fonts-noto-cjk)',
            logger='current',
            level=logging.WARNING,
        )


def _widen_fonts(figure: Any) -> None:
    """Let text beyond Latin fall back to installed fonts that have its characters."""
    from matplotlib.text import Text

    foreign = [text for text in figure.findobj(Text) if not text.get_text().isascii()]
    if foreign:
        fallback = _fallback_fonts()
        for text in foreign:
            text.set_fontfamily([*text.get_fontfamily(), *fallback])


@cache
def _fallback_fonts() -> list[str]:
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    return [name for name in FALLBACK_FONTS if name in installed]
