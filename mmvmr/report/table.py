"""A table as an HTML page whose columns can be sorted."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template

from mmvmr.utils.io import atomic_write


def write_table_page(
    title: str, header: Sequence[str], lines: Sequence[Sequence[str]], notes: Sequence[str], path: Path
) -> Path:
    """Write a table as a page; a click on a heading sorts by it, numbers by their value.

    Args:
        title: Heading.
        header: Headings of the columns.
        lines: The cells, one line per row; the first column names the row.
        notes: Sentences above the table.
        path: The HTML file; complete or absent.

    Raises:
        OSError: If the file cannot be written.
    """
    head = ''.join(f'<th scope="col">{escape(cell) or "row"}</th>' for cell in header)
    body = ''.join(f'<tr>{"".join(f"<td>{escape(str(cell))}</td>" for cell in line)}</tr>' for line in lines)
    template = resources.files('mmvmr.report')
    html = Template(template.joinpath('table.html').read_text(encoding='utf-8')).substitute(
        title=escape(title),
        style=template.joinpath('page.css').read_text(encoding='utf-8'),
        notes=escape('\n'.join(notes)),
        table=f'<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>',
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as tmp:
        tmp.write_text(html, encoding='utf-8')
    return path
