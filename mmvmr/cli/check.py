"""Check the data sets of a config: annotations, features, and the splits against each other.

    mmvmr check qd_detr_qvhl --splits train val --fast

Every issue comes with the number of cases, the first few of them and what to do. Exit code 1 where there is an error
(training stops, or its figures mean nothing), 0 where there are only warnings, 2 where the config itself cannot be
read.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from mmvmr.cli.arguments import add_config, add_config_options, positive
from mmvmr.utils.errors import BUILD_ERRORS

if TYPE_CHECKING:
    from mmvmr.preparation.checks import Results

ERRORS = BUILD_ERRORS
SPLITS = ('train', 'val', 'test')
FAST = 8
EVERY = 20  # seconds between two lines of progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_config(parser)
    parser.add_argument('--splits', nargs='+', choices=SPLITS, default=list(SPLITS), help='default: all')
    some = parser.add_mutually_exclusive_group()
    some.add_argument(
        '--sample', type=positive, metavar='N', help='read the features of N videos and sentences per split'
    )
    some.add_argument('--fast', action='store_true', help=f'--sample {FAST}, as when training starts')
    parser.add_argument(
        '--ignore', nargs='+', metavar='CHECK', default=[], help='leave out checks; an unknown name lists all'
    )
    parser.add_argument('--json', action='store_true', help='print JSON')
    add_config_options(parser)


def counted(items: Iterable[Any], label: str) -> Iterator[Any]:
    """Print how far a long walk is.

    Args:
        items: What is walked over.
        label: What that is.

    Yields:
        The items.
    """
    items, last = list(items), time.monotonic()
    for done, item in enumerate(items):
        if time.monotonic() - last > EVERY:
            print(f'{label}: {done} of {len(items)}', flush=True)
            last = time.monotonic()
        yield item


def check(args: argparse.Namespace) -> tuple[dict[str, Any], Results]:
    """Open and check; returns the size of every split by its name, and all results."""
    from mmvmr.preparation.checks import Skipped, check_splits, open_splits, without
    from mmvmr.utils.cli import UserError, load_config
    from mmvmr.utils.setup import apply_data_root, register_all_modules

    cfg = load_config(args.config, args.cfg_options)
    register_all_modules()
    apply_data_root(cfg)
    names = [name for name in SPLITS if name in args.splits]
    splits, results = open_splits(cfg, names)
    if not splits and not results:
        raise UserError(f'config {args.config}: no data set for {names}')
    others, issues = open_splits(cfg, [name for name in SPLITS if name not in names])
    results += check_splits(splits, args.sample, others=others, progress=None if args.json else counted)
    if any(result.check == 'open' for result in [*results, *issues]):  # what those splits need is not known
        results = [result for result in results if result.check != 'extra']
        results.append(Skipped('extra', 'features', 'not all splits of the config can be opened'))
    sizes = {split.name: {'queries': len(split.rows), 'videos': len(split.videos())} for split in splits}
    return sizes, without(results, args.ignore)


def run(args: argparse.Namespace) -> int:
    """Check and print; see the module docstring."""
    from mmvmr.preparation.checks import ERROR, WARNING, Issue, Skipped

    if args.fast:
        args.sample = args.sample or FAST
    sizes, results = check(args)
    findings = sorted((r for r in results if isinstance(r, Issue)), key=lambda finding: finding.severity != ERROR)
    skipped = [result for result in results if isinstance(result, Skipped)]
    errors, warnings = (sum(finding.severity == kind for finding in findings) for kind in (ERROR, WARNING))
    if args.json:
        report = {'config': args.config, 'splits': sizes, 'sample': args.sample}
        report['findings'] = [finding.to_dict() for finding in findings]
        report['skipped'] = [result.to_dict() for result in skipped]
        print(json.dumps(report, indent=2))
    else:
        for finding in findings:
            text, advice = str(finding).removesuffix(finding.advice), finding.advice
            print(f'{finding.severity.upper()}: {text}' + (f'\n    -> {advice}' if advice else ''))
        for result in skipped:
            print(f'not checked: {result}')
        looked_at = ', '.join(f'{name} ({n["queries"]} queries, {n["videos"]} videos)' for name, n in sizes.items())
        print(f'{looked_at or "nothing could be opened"}: {errors} errors, {warnings} warnings')
    return 1 if errors else 0
