"""Write the tables of configs/*/README.md and docs/model_zoo.md from the metafiles.

    python tools/analysis_tools/model_tables.py [--check]

A figure is entered in ``configs/<method>/metafile.yml`` alone: ``Published`` as printed by its ``Source``, ``Official``
for the official code run here, ``Here`` for mmvmr. ``--check`` writes nothing and fails where a table is out of date.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import yaml
from doc_sections import table, update

from mmvmr.utils.cli import one_line_errors

REPO = Path(__file__).resolve().parents[2]
#: Figures in the order of their columns, in percent.
FIGURES = (
    *(f'R{rank}@{threshold}' for rank in (1, 5) for threshold in (0.1, 0.3, 0.5, 0.7)),
    *('mAP', 'mIoU', 'HD mAP', 'HIT@1'),
)


def metafiles(repo: Path = REPO) -> dict[Path, dict[str, Any]]:
    """All metafiles that the index names.

    Args:
        repo: Root of the checkout.

    Returns:
        Content by path.
    """
    index = yaml.safe_load((repo / 'model-index.yml').read_text(encoding='utf-8'))
    paths = [repo / name for name in index['Import']]
    return {path: yaml.safe_load(path.read_text(encoding='utf-8')) for path in paths}


def _cell(value: float | str | None) -> str:
    return '' if value is None else value if isinstance(value, str) else f'{value:.2f}'


def _own(figures: dict[str, Any] | None) -> str:
    return ', '.join(f'{name} {_cell(value)}' for name, value in (figures or {}).items())


def _link(model: dict[str, Any], folder: Path) -> str:
    return f'[{model["Name"]}]({Path(os.path.relpath(REPO / model["Config"], folder)).as_posix()})'


def results(models: list[dict[str, Any]], folder: Path) -> str:
    """Figures of the models that have any.

    Args:
        models: Entries of a metafile.
        folder: Where the table stands, for its links.

    Returns:
        A table.
    """
    rows = [(model, entry) for model in models for entry in model['Results']]
    columns = [name for name in FIGURES if any(name in (entry['Published'] or {}) for _, entry in rows)]
    header = ['config', 'data set', 'published by', *columns, 'official code here', 'mmvmr here']
    cells = []
    for model, entry in rows:
        published = entry['Published'] or {}
        figures = [_cell(published.get(name)) for name in columns]
        own = [_own(entry['Official']), _own(entry['Here'])]
        cells.append([_link(model, folder), entry['Dataset'], entry['Source'] or '', *figures, *own])
    return table(header, cells)


def complexity(models: list[dict[str, Any]], folder: Path) -> str:
    """Parameters and operations; configs with the same sizes share a row.

    Args:
        models: Entries of a metafile.
        folder: Where the table stands, for its links.

    Returns:
        A table.
    """
    groups: dict[tuple[int, float], list[str]] = {}
    for model in models:
        sizes = model['Metadata']
        groups.setdefault((sizes['Parameters'], sizes['GFLOPs']), []).append(_link(model, folder))
    rows = [[', '.join(links), f'{count:,}', f'{gflops:.3f}'] for (count, gflops), links in groups.items()]
    return table(['config', 'parameters', 'GFLOPs'], rows)


def overview(files: dict[Path, dict[str, Any]], folder: Path) -> str:
    """The main config of every method with its published figures on QVHighlights.

    Args:
        files: All metafiles.
        folder: Where the table stands, for its links.

    Returns:
        A table.
    """
    columns = ('R1@0.5', 'R1@0.7', 'mAP', 'HD mAP', 'HIT@1')
    rows = []
    for path, content in files.items():
        collection, model = content['Collections'][0], content['Models'][0]
        method = f'[{collection["Name"]}]({Path(os.path.relpath(path.parent / "README.md", folder)).as_posix()})'
        for entry in (entry for entry in model['Results'] if entry['Dataset'].startswith('QVHighlights')):
            figures = [_cell((entry['Published'] or {}).get(name)) for name in columns]
            rows.append([method, entry['Dataset'].removeprefix('QVHighlights '), entry['Source'] or '', *figures])
    return table(['method', 'split', 'published by', *columns], rows)


def sections(repo: Path = REPO) -> dict[tuple[Path, str], str]:
    """All sections that this tool writes.

    Args:
        repo: Root of the checkout.

    Returns:
        Content by file and name of the section.
    """
    files = metafiles(repo)
    found: dict[tuple[Path, str], str] = {}
    for path, content in files.items():
        readme = path.with_name('README.md')
        found[readme, 'results'] = results(content['Models'], path.parent)
        found[readme, 'complexity'] = complexity(content['Models'], path.parent)
    zoo = repo / 'docs' / 'model_zoo.md'
    found[zoo, 'published'] = overview(files, zoo.parent)
    return found


def main() -> int:
    """Write or check; see the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--check', action='store_true', help='write nothing, fail where a table is out of date')
    args = parser.parse_args()
    with one_line_errors(OSError, ValueError, KeyError):
        return update(sections(), args.check)


if __name__ == '__main__':
    sys.exit(main())
