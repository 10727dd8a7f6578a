"""Encode all videos of a folder, so that they can be searched.

    mmvmr index videos --out videos.index
    mmvmr search videos.index "a dog jumps into the water"

Run it again after changes: new videos are added, deleted ones leave the index, the others are not touched. It can be
stopped at any time. --jobs 4 encodes four videos at once. --shard 0/4 encodes the first of four parts, for several
machines that write to one index; --slurm PARTITION --parts 4 submits them as a job array.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmvmr.cli.arguments import positive
from mmvmr.cli.finder_arguments import add_finder_arguments, build_finder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('videos', type=Path, help='folder of videos, searched at any depth')
    parser.add_argument('--out', type=Path, metavar='DIR', help='folder of the index; default: VIDEOS.index')
    parser.add_argument(
        '--shard', default='0/1', metavar='I/N', help='encode part I (from 0) of N; default: %(default)s'
    )
    parser.add_argument('--jobs', type=positive, default=1, metavar='N', help='processes; default: %(default)s')
    parser.add_argument('--slurm', nargs='+', metavar='WORD', help='submit a job array: PARTITION [gres=gpu:1 ...]')
    parser.add_argument(
        '--parts', type=positive, default=8, metavar='N', help='jobs of the array; default: %(default)s'
    )
    add_finder_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Index; see the module docstring. The exit status is 1 where a video failed."""
    from mmvmr.search import Collection

    shard = read_shard(args.shard)
    root = args.out or args.videos.with_name(f'{args.videos.name}.index')
    if args.slurm:
        return submit(args, root)
    collection = Collection(root, build_finder(args))
    report = collection.update(args.videos, shard, args.jobs)
    for name, reason in report.failed.items():
        print(f'failed: {name}: {reason}', file=sys.stderr)
    print(
        f'{root}: {len(collection)} videos; {len(report.added)} added, {len(report.unchanged)} unchanged, '
        f'{len(report.removed)} removed, {len(report.failed)} failed'
    )
    return 1 if report.failed else 0


def read_shard(text: str) -> tuple[int, int]:
    """The numbers of ``I/N``.

    Args:
        text: As on the command line.

    Returns:
        (i, n) with 0 <= i < n.

    Raises:
        UserError: If it is anything else.
    """
    from mmvmr.utils.errors import UserError

    part, slash, parts = text.partition('/')
    if not slash or not part.isdigit() or not parts.isdigit() or not int(part) < int(parts):
        raise UserError(f'--shard {text}: expected I/N with I from 0 to N - 1, e.g. 0/4')
    return int(part), int(parts)


@dataclass
class IndexJob:
    """A part of an index, as a job of a Slurm array."""

    args: argparse.Namespace

    def __call__(self) -> int:
        """Encode the part."""
        return run(self.args)

    def checkpoint(self) -> Any:
        """The job to queue after a preemption: the same one, which skips what is done."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def submit(args: argparse.Namespace, root: Path) -> int:
    """Submit the parts as a job array.

    Args:
        args: The command line.
        root: Folder of the index, on a disk that all machines see.

    Returns:
        The exit status.
    """
    from mmvmr.apis.folders import find_named_videos
    from mmvmr.utils.slurm import submit_array

    parts = min(args.parts, len(find_named_videos(args.videos)))
    common = {**vars(args), 'slurm': None, 'videos': args.videos.absolute(), 'out': root.absolute()}
    work = [IndexJob(argparse.Namespace(**{**common, 'shard': f'{part}/{parts}'})) for part in range(parts)]
    jobs, _ = submit_array(work, root.absolute() / 'jobs', 'index', args.slurm[0], args.slurm[1:])
    print(f'submitted {parts} parts as {jobs[0].job_id} ... {jobs[-1].job_id}; logs in {root / "jobs"}')
    print('when they have ended, the same command without --slurm joins the parts and encodes what is left')
    return 0
