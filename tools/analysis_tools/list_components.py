"""List the registered components, one line each.

    python tools/analysis_tools/list_components.py [--kind Loss] [--write | --check] [--import-module PACKAGE...]

The line is the first one of the docstring. ``--write`` puts the tables into docs/advanced_guides/components.md,
``--check`` fails where they are out of date. ``--import-module`` adds the components of an external package.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

from doc_sections import table, update
from mmengine.registry import Registry
from terminaltables import AsciiTable

import mmvmr.registry
from mmvmr.utils.cli import one_line_errors
from mmvmr.utils.setup import register_all_modules

PAGE = Path(__file__).resolve().parents[2] / 'docs' / 'advanced_guides' / 'components.md'
#: Folders below mmvmr/ in the order of a sample's way, with their contents.
PLACES = {
    'datasets': 'Data sets and batches',
    'datasets.stores': 'Feature stores',
    'datasets.samplers': 'Samplers of batches, videos and queries',
    'datasets.synthetic': 'Synthetic data',
    'datasets.transforms': 'Transforms',
    'official_td_detr': 'Data of the official TD-DETR code with its bugs (`custom_imports` of its configs)',
    'models.detectors': 'Detectors',
    'models.projectors': 'Projectors',
    'models.fusions': 'Fusions',
    'models.encoders': 'Encoders',
    'models.query_initializers': 'Query initializers',
    'models.decoders': 'Decoders',
    'models.heads': 'Heads',
    'models.layers': 'Layers',
    'models.task_modules': 'Matching, coders, samplers',
    'models.losses': 'Losses',
    'models': 'Preprocessor, criterion, post-processor',
    'evaluation.metrics': 'Metrics',
    'engine': 'Training',
    'visualization': 'Visualization',
    'apis': 'Finder',
    'features.extractors': 'Feature extractors',
    'search': 'Scorers that re-rank moments',
    'composition': 'Components of methods, for mmvmr compose',
}
#: What other packages registered.
OTHER = 'External'


def components() -> dict[str, list[tuple[str, str]]]:
    """Everything that is registered in the scope of mmvmr.

    Returns:
        (name, first line of the docstring) by the place of the module, sorted by name.

    Raises:
        ValueError: If a component has no docstring.
    """
    importlib.import_module('mmvmr.official_td_detr')  # which nothing but its configs imports
    found: dict[str, list[tuple[str, str]]] = {place: [] for place in (*PLACES, OTHER)}
    for registry in vars(mmvmr.registry).values():
        if isinstance(registry, Registry):
            registry.import_from_location()
            for name, component in registry.module_dict.items():
                found[_place(component.__module__)].append((name, _line(name, component)))
    return {place: sorted(rows) for place, rows in found.items() if rows}


def _place(module: str) -> str:
    if not module.startswith('mmvmr.'):
        return OTHER
    path = module.removeprefix('mmvmr.')
    return max((place for place in PLACES if f'{path}.'.startswith(f'{place}.')), key=len)


def _line(name: str, component: Any) -> str:
    doc = inspect.getdoc(component)
    if not doc:
        raise ValueError(f'{component.__module__}.{name} has no docstring')
    return doc.splitlines()[0]


def markdown(found: dict[str, list[tuple[str, str]]]) -> str:
    """The tables of the page.

    Args:
        found: Components by place.

    Returns:
        One table per place.
    """
    parts = []
    for place in (place for place in found if place != OTHER):  # the page describes mmvmr
        lines = [(f'`{name}`', line.replace('|', '\\|')) for name, line in found[place]]
        head = f'### {PLACES[place]}\n\nIn `mmvmr/{place.replace(".", "/")}`.'
        parts.append(f'{head}\n\n{table(["type", "what it does"], lines)}')
    return '\n\n'.join(parts)


def main() -> int:
    """Print, write or check; see the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--kind', help='only names that end with this, e.g. Loss, Fusion, Head')
    parser.add_argument(
        '--import-module', nargs='+', default=[], metavar='PACKAGE', help='as custom_imports in a config'
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument('--write', action='store_true', help=f'write the tables of docs/{PAGE.parent.name}/{PAGE.name}')
    group.add_argument('--check', action='store_true', help='fail where these tables are out of date')
    args = parser.parse_args()
    with one_line_errors(ImportError, OSError, ValueError):
        register_all_modules()
        if args.write or args.check:
            return update({(PAGE, 'components'): markdown(components())}, args.check)
        for name in args.import_module:
            importlib.import_module(name)
        found = components()
    for place, rows in found.items():
        rows = [row for row in rows if row[0].endswith(args.kind or '')]
        if rows:
            print(f'{PLACES.get(place, place)}\n{AsciiTable([["type", "what it does"], *rows]).table}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
