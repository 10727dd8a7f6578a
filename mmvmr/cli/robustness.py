"""Robustness of a checkpoint: its figures under probes that mask, move or exchange its input.

    mmvmr robustness CONFIG CHECKPOINT --splits val val_ood --out robustness.json robustness.md

A model that understands videos finds nothing where the moments are masked (spurious_*), the clips are shuffled or
emptied, or the sentence is about another video, and as much as before where only the context is replaced
(dynamic_context) or the biases of training are reversed (an out-of-distribution split). plain/probe is the
ratio of the plain mAP to that of the probe. A second table has the mean probability of clips inside and outside the
moments. The same command always gives the same figures.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from mmvmr.cli.arguments import add_config, add_config_options, natural, positive
from mmvmr.utils.errors import BUILD_ERRORS

ERRORS = BUILD_ERRORS
FIGURES = ('R1@0.5', 'R1@0.7', 'R1@0.9', 'mIoU', 'mAP@0.75', 'mAP')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_config(parser)
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--splits',
        nargs='+',
        metavar='SPLIT',
        help='names of the config (robustness.splits, val, test), NAME=ANNOTATIONS.jsonl, or NAME=FOLDER of '
        'build_dynamic_context.py; default: robustness.default of the config, else val',
    )
    parser.add_argument(
        '--probes', nargs='+', metavar='PROBE', help='default: all, and robustness.probes of the config'
    )
    parser.add_argument('--out', nargs='+', default=[], metavar='FILE', help='write the figures: .json, .md')
    parser.add_argument('--limit', type=positive, metavar='N', help='only the first N queries of every split')
    parser.add_argument('--seed', type=natural, default=0, help='of what probes draw; default: %(default)s')
    parser.add_argument('--threads', type=positive, metavar='N', help='CPU threads of torch; default: its own choice')
    parser.add_argument('--quiet', action='store_true', help='no progress')
    add_config_options(parser)


def probe_table(report: dict[str, Any]) -> list[list[str]]:
    """The figures of all splits and probes.

    Args:
        report: Of :func:`mmvmr.evaluation.robustness.evaluate_robustness`.

    Returns:
        A head and rows, numbers with two decimals.
    """
    rows = [['split', 'queries', 'probe', *FIGURES, 'plain/probe']]
    for split, split_report in report['splits'].items():
        for probe, figures in split_report['probes'].items():
            first = [split, str(split_report['num_queries'])] if probe == 'plain' else ['', '']
            ratio = '' if probe == 'plain' else _number(figures['ratio'])
            rows.append([*first, probe, *(_number(figures[name]) for name in FIGURES), ratio])
    return rows


def frame_table(report: dict[str, Any]) -> list[list[str]]:
    """Mean probability of clips inside and outside the moments.

    Args:
        report: Of :func:`mmvmr.evaluation.robustness.evaluate_robustness`.

    Returns:
        A head and rows.
    """
    rows = [['split', 'inside', 'outside', 'difference', 'source']]
    for split, split_report in report['splits'].items():
        frames = split_report['frame_probability']
        values = [_number(frames.get(key, math.nan), 3) for key in rows[0][1:4]]
        rows.append([split, *values, frames.get('source') or frames['reason']])
    return rows


def _number(value: float, decimals: int = 2) -> str:
    return '-' if math.isnan(value) else f'{value:.{decimals}f}'


def write(report: dict[str, Any], path: str) -> None:
    """Write the figures as ``.json`` or ``.md``.

    Args:
        report: Of :func:`mmvmr.evaluation.robustness.evaluate_robustness`.
        path: The file.
    """
    from tabulate import tabulate

    from mmvmr.utils.io import atomic_write, write_json

    if path.endswith('.json'):
        write_json(path, report)
        return
    text = f'`{report["config"]}`, `{report["checkpoint"]}`, seed {report["seed"]}\n'
    for rows in (probe_table(report), frame_table(report)):
        text += f'\n{tabulate(rows, "firstrow", "github", disable_numparse=True)}\n'
    with atomic_write(path) as tmp:
        tmp.write_text(text, encoding='utf-8')


def run(args: argparse.Namespace) -> None:
    """Evaluate, print and write; see the module docstring."""
    import torch
    from terminaltables import AsciiTable

    from mmvmr.evaluation.robustness import evaluate_robustness
    from mmvmr.evaluation.robustness_splits import known_splits
    from mmvmr.utils.cli import UserError, existing_checkpoint, load_config
    from mmvmr.utils.config_check import named_arguments
    from mmvmr.utils.setup import setup_env

    if wrong := [path for path in args.out if Path(path).suffix not in ('.json', '.md')]:
        raise UserError(f'--out {wrong[0]}: expected a name that ends in .json or .md')
    cfg = load_config(args.config, args.cfg_options)
    existing_checkpoint(args.checkpoint)
    setup_env(cfg)
    if not known_splits(cfg):
        raise UserError(f'{args.config} has neither val_dataloader nor test_dataloader')
    if args.threads:
        torch.set_num_threads(args.threads)
    progress = (lambda line: None) if args.quiet else (lambda line: print(line, flush=True))
    with named_arguments(cfg):
        report = evaluate_robustness(cfg, args.checkpoint, args.probes, args.splits, args.seed, args.limit, progress)
    report = {'config': args.config, **report}
    for path in args.out:
        write(report, path)
    print(AsciiTable(probe_table(report)).table)
    print('Mean probability of clips inside and outside the moments:')
    print(AsciiTable(frame_table(report)).table)
    for split, split_report in report['splits'].items():
        if split_report['unlabelled']:
            print(f'{split}: {split_report["unlabelled"]} queries without relevant_windows are left out')
