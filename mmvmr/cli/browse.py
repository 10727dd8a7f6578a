"""Show what is in a data set: numbers, figures of durations, moments, locations and words, a page of its queries.

    mmvmr browse qd_detr_qvhl --split train val --out figures
    mmvmr browse charades_config.py --split val --page charades.html --videos data/Charades_v1_480

Only annotations are read. The figures are distributions.png, locations.png and examples_<split>.png.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mmvmr.cli.arguments import (
    add_config,
    add_config_options,
    add_page_arguments,
    page_options,
    positive,
)
from mmvmr.utils.errors import BUILD_ERRORS

if TYPE_CHECKING:
    from mmengine.config import Config

    from mmvmr.preparation.checks import Split

ERRORS = BUILD_ERRORS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_config(parser)
    parser.add_argument(
        '--split', nargs='+', choices=('train', 'val', 'test'), default=['train'], help='default: train'
    )
    parser.add_argument('--out', metavar='DIR', help='folder of the figures')
    parser.add_argument(
        '--examples', type=positive, default=8, metavar='N', help='queries that are drawn; default: %(default)s'
    )
    add_page_arguments(parser)
    add_config_options(parser)


def opened(cfg: Config, name: str) -> Split:
    """The rows of a split; refused rows are told and left out.

    Raises:
        UserError: If it cannot be opened or is empty.
    """
    from mmvmr.preparation.checks import read_split
    from mmvmr.utils.errors import UserError

    loader = cfg.get(f'{name}_dataloader')
    if not loader:
        raise UserError(f'the config has no {name}_dataloader')
    dataset = loader['dataset']
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    split, issues = read_split(name, dataset, features=False)
    if split is None or not split.rows:
        raise UserError(str(issues[0]) if issues else f'{name}: no annotation')
    for issue in issues:
        print(f'left out: {issue}')
    return split


def draw(splits: list[Split], clip_lens: list[float], out: Path, examples: int) -> list[Path]:
    """Draw everything that the annotations allow.

    Args:
        splits: The splits.
        clip_lens: Seconds per clip of each.
        out: Folder of the figures.
        examples: Queries that are drawn of each split.

    Returns:
        The files.
    """
    from terminaltables import AsciiTable

    from mmvmr.preparation.statistics import statistics, summary
    from mmvmr.visualization import draw_distributions, draw_examples, draw_locations

    parts = [statistics(split.name, split.rows) for split in splits]
    print(AsciiTable(summary(parts)).table)
    files = [out / 'distributions.png']
    draw_distributions(parts, files[0])
    if not any(len(part.windows) for part in parts):
        print('no split has moments: locations and examples are not drawn')
        return files
    files.append(out / 'locations.png')
    draw_locations(parts, files[-1])
    for split, part, clip_len in zip(splits, parts, clip_lens):
        if len(part.windows):
            files.append(out / f'examples_{split.name}.png')
            draw_examples(split.rows, files[-1], clip_len, examples)
    return files


def run(args: argparse.Namespace) -> None:
    """Count, draw, print."""
    from mmvmr.report import write_prediction_report
    from mmvmr.utils.cli import load_config
    from mmvmr.utils.errors import UserError
    from mmvmr.utils.setup import apply_data_root, register_all_modules

    if not args.out and not args.page:
        raise UserError('nothing to write: add --out DIR for figures, --page PAGE.html for a page of queries, or both')
    options = page_options(args)
    cfg = load_config(args.config, args.cfg_options)
    register_all_modules()
    apply_data_root(cfg)
    splits = [opened(cfg, name) for name in dict.fromkeys(args.split)]
    if args.out:
        for path in draw(splits, [split.clip_len or 2.0 for split in splits], Path(args.out), args.examples):
            print(path)
    if args.page:
        rows = [dict(row) for split in splits for row in split.rows]
        title = f'{Path(args.config).stem}: {", ".join(split.name for split in splits)}'
        print(write_prediction_report({}, rows, args.page, title=title, **options))
