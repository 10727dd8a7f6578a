"""Extract features from videos, and from the sentences of annotation files.

    mmvmr extract videos --spec clip_b32_2s --out data/mine --queries train.jsonl val.jsonl

VIDEOS are folders, lists (.txt), patterns or files; the name of a file without its suffix is its `vid`. SPEC is a
config or the name of one in configs/features. DIR gets one folder per stream with a file per video or sentence, as
published features have them, and feature_spec.json: it can be the data_root of a data set config. What is there and
intact is not made again, so a run that was interrupted goes on. A video that cannot be used is reported, and the others
go on: the exit status is 1 then, and DIR/failures.jsonl lists them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmvmr.cli.arguments import add_choice, add_config_options, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('videos', nargs='*', default=[], metavar='VIDEOS', help='folders, lists, patterns or files')
    parser.add_argument('--spec', required=True, help='config of what is extracted, or its name in configs/features')
    parser.add_argument('--out', required=True, type=Path, metavar='DIR', help='folder of the features')
    parser.add_argument('--queries', nargs='+', default=[], metavar='JSONL', help='sentences of annotation files too')
    parser.add_argument('--jobs', type=positive, default=1, metavar='N', help='processes; default: %(default)s')
    parser.add_argument('--device', default='cpu', help='cpu, cuda, or several: cuda:0,cuda:1; default: %(default)s')
    add_choice(
        parser,
        '--dtype',
        place='mmvmr.features.folder:DTYPES',
        default='float16',
        metavar='TYPE',
        help='numbers in the files, float16 or float32; default: %(default)s',
    )
    parser.add_argument('--keep-damaged', action='store_true', help='use what can be decoded of damaged videos')
    add_config_options(parser, 'the spec')


def run(args: argparse.Namespace) -> int:
    """Extract; see the module docstring."""
    from mmvmr.features.jobs import SetupError
    from mmvmr.features.run import run_extraction
    from mmvmr.utils.errors import UserError, one_line_errors

    if not args.videos and not args.queries:
        raise UserError('give VIDEOS, --queries, or both')
    with one_line_errors(SetupError):
        return run_extraction(args)
