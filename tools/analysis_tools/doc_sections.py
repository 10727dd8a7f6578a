"""Sections of Markdown files that tools write, between ``<!-- NAME:start -->`` and ``<!-- NAME:end -->``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from mmvmr.utils import atomic_write


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table.

    Args:
        header: Names of the columns.
        rows: The cells.

    Returns:
        The table, without a line break at its end.
    """
    lines = [header, ['---'] * len(header), *rows]
    return '\n'.join(f'| {" | ".join(cells)} |'.replace('  ', ' ') for cells in lines)


def section(text: str, name: str, where: Path) -> tuple[str, str, str]:
    """Split a text at the markers of a section.

    Args:
        text: Content of the file.
        name: Name of the section.
        where: The file, for the message.

    Returns:
        What comes before the section (start marker included), the section, and what follows.

    Raises:
        ValueError: If the markers are missing or stand in the wrong order.
    """
    start, end = f'<!-- {name}:start -->', f'<!-- {name}:end -->'
    if text.count(start) != 1 or text.count(end) != 1 or text.index(start) > text.index(end):
        raise ValueError(f'{where}: expected the lines {start} and {end} once each, in this order')
    before, rest = text.split(start)
    inside, after = rest.split(end)
    return before + start, inside.strip('\n'), end + after


def update(sections: dict[tuple[Path, str], str], check: bool) -> int:
    """Write sections, or only say which ones are out of date.

    Args:
        sections: Content by file and name of the section.
        check: Write nothing.

    Returns:
        Exit code: 1 where a section is out of date and was not written.
    """
    stale = 0
    for (path, name), content in sections.items():
        text = path.read_text(encoding='utf-8')
        before, inside, after = section(text, name, path)
        if inside == content:
            continue
        stale += 1
        print(f'{path}: section {name} {"is out of date" if check else "written"}', file=sys.stderr)
        if not check:
            with atomic_write(path) as temporary:
                temporary.write_text(f'{before}\n{content}\n{after}', encoding='utf-8')
    return int(check and stale > 0)
