"""Put components of other methods onto a config, and write the result as a config that inherits it.

    mmvmr compose qd_detr_qvhl --with td.dynamics sa.noise --options td.dynamics.beta=0.5 --out new.py
    mmvmr compose --list

--check trains the composed config for one step on a few random clips, without data, and lists every requirement that
is not met, with its config key; nothing is written then. Without --out the new config is printed. --list lists all
components, and describes those named after it.
--import-module registers the components of an external package first.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
import textwrap
from pathlib import Path

from mmvmr.cli.arguments import ConfigOptions
from mmvmr.utils.errors import BUILD_ERRORS

ERRORS = BUILD_ERRORS
_WRITTEN = 'written by mmvmr compose'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('config', nargs='?', help='config to start from: a file, or the name of a shipped one')
    parser.add_argument(
        '--with', nargs='+', default=[], dest='components', metavar='COMPONENT', help='in any order, see --list'
    )
    parser.add_argument(
        '--options', nargs='+', action=ConfigOptions, default={}, metavar='KEY=VALUE', help='e.g. td.dynamics.beta=0.5'
    )
    parser.add_argument(
        '--check', action='store_true', help='try a step on random features, and list everything that does not fit'
    )
    parser.add_argument('--out', metavar='NEW.py', help='write the config here; otherwise print it')
    parser.add_argument(
        '--list', nargs='*', dest='listed', metavar='COMPONENT', help='list all components, or describe the named ones'
    )
    parser.add_argument(
        '--import-module', nargs='+', default=[], metavar='PACKAGE', help='as custom_imports in a config'
    )


def listing() -> str:
    """Name and help of every component, one line each."""
    from mmvmr.composition import component_help, component_names, find_component

    names = component_names()
    width = max(map(len, names))
    return '\n'.join(f'{name:<{width}}  {component_help(find_component(name))}' for name in names)


def description(name: str) -> str:
    """Help, options, slots and requirements of a component."""
    from mmvmr.composition import component_options, find_component

    kind = find_component(name)
    lines = [f'{name} ({kind.source})', textwrap.indent(inspect.getdoc(kind) or '', '    ')]
    options = component_options(kind)
    lines.append(f'    Options: {", ".join(f"{name}.{key}={value}" for key, value in options.items()) or "none"}')
    lines.append(f'    Changes: {", ".join(kind.slots)}')
    lines += [f'    Detector: {" or ".join(kind.detectors) or "any"}']
    lines += [f'    Needs {other}, or a model that has an equivalent' for other in kind.needs]
    lines += [f'    Not with {other}: {reason}' for other, reason in kind.excludes.items()]
    return '\n'.join(lines)


def run(args: argparse.Namespace) -> int:
    """List, print or write; see the module docstring."""
    from mmvmr.composition import CompositionError, compose, write_config
    from mmvmr.composition.trial import build_problems, trial_problems
    from mmvmr.composition.writer import render_config
    from mmvmr.utils.cli import UserError, load_config
    from mmvmr.utils.config import find_config

    if args.listed is None and not (args.config and args.components):
        raise UserError('give a config and --with COMPONENT..., or --list')
    for name in args.import_module:
        importlib.import_module(name)
    base = load_config(args.config) if args.config else None  # its custom_imports may bring components
    base_file = find_config(args.config) if args.config else None
    if args.listed is not None:
        print('\n\n'.join(map(description, args.listed)) or listing())
        return 0
    if args.out is not None and Path(args.out).suffix != '.py':
        raise UserError(f'--out {args.out}: a config is a .py file')
    if args.out is not None and not _may_replace(Path(args.out)):
        raise UserError(f'--out {args.out}: the file exists and was not written by mmvmr compose; choose another name')
    try:
        cfg = compose(base, args.components, args.options, skip=lambda line: print(line, file=sys.stderr))
        if args.check and (problems := trial_problems(cfg)):
            print(f'{len(problems)} parts of the composed config do not fit:', *problems, sep='\n', file=sys.stderr)
            return 1
        if not args.check and (problems := build_problems(cfg)):  # a step builds them, too
            raise UserError('; '.join(problems))
        if args.check:
            print('checked: one training step ran, and every requirement between the parts is met', file=sys.stderr)
        comment = f'{base_file.stem} with {", ".join(sorted(args.components))} ({_WRITTEN}).'
        if args.out is None:
            print(render_config(cfg, base_file, None, comment), end='')
            return 0
        write_config(cfg, base_file, args.out, comment)
    except CompositionError as error:
        raise UserError(str(error)) from error
    print(f'{args.out} written: {", ".join(sorted(args.components))} on {args.config}')
    return 0


def _may_replace(path: Path) -> bool:
    """True if nothing is there, or a config that this command has written."""
    if not path.is_file():
        return True
    with path.open(encoding='utf-8', errors='replace') as file:
        return _WRITTEN in file.readline()
