"""Extraction from start to end: what ``mmvmr extract`` calls after reading its arguments."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from mmvmr.features.folder import FeatureFolder
from mmvmr.features.jobs import Outcome, Settings, Task, run_tasks
from mmvmr.features.queries import extract_queries, open_queries, read_queries
from mmvmr.features.spec import TEXT, ExtractionSpec
from mmvmr.features.spec_files import read_extraction_spec
from mmvmr.features.videos import find_videos
from mmvmr.utils.devices import usable_device
from mmvmr.utils.io import write_jsonl
from mmvmr.utils.progress import progress

FAILURES = 'failures.jsonl'


def open_tasks(videos: dict[str, Path], spec: ExtractionSpec, folder: FeatureFolder) -> list[Task]:
    """Tasks that are left to do; files that are there but damaged are reported."""
    tasks = []
    for vid, path in videos.items():
        issues = {name: folder.issue(name, vid) for name in spec.streams}
        for name, issue in issues.items():
            if issue not in (None, 'absent'):
                print(f'{folder.path(name, vid)}: {issue}; it is made again', file=sys.stderr)
        if lacking := tuple(name for name, issue in issues.items() if issue is not None):
            tasks.append(Task(vid, path, lacking))
    return tasks


def extract_videos(videos: dict[str, Path], settings: Settings, folder: FeatureFolder) -> list[Outcome]:
    """Extract what is left, with a progress bar; returns the videos that failed."""
    tasks = open_tasks(videos, settings.store.spec, folder)
    print(f'{len(videos)} videos, {len(videos) - len(tasks)} of them done already')
    if not tasks:
        return []
    failed, damaged = [], []
    for outcome in progress(run_tasks(tasks, settings), total=len(tasks), unit=' videos'):
        if outcome.error is not None:
            failed.append(outcome)
        elif outcome.issues:
            damaged.append(outcome)
    for outcome in damaged:
        print(f'{outcome.task.path}: {outcome.issues} damaged packets were left out', file=sys.stderr)
    print(f'{len(tasks) - len(failed)} videos extracted, {len(failed)} failed')
    return failed


def extract_text(queries: dict[Any, str], settings: Settings, folder: FeatureFolder) -> None:
    """Encode the sentences that are left, with a progress bar."""
    left = open_queries(queries, folder)
    print(f'{len(queries)} sentences, {len(queries) - len(left)} of them done already')
    if not left:
        return
    extractor = settings.store.spec.build(TEXT).to(settings.devices[0])
    with progress(total=len(left), unit=' sentences') as bar:
        extract_queries(left, extractor, folder, bar.update)
    print(f'{len(left)} sentences encoded')


def report(failed: list[Outcome], out: Path) -> None:
    """Say which videos have no features, here and in a file."""
    file = out / FAILURES
    file.unlink(missing_ok=True)
    if not failed:
        return
    failed = sorted(failed, key=lambda outcome: outcome.task.vid)
    write_jsonl(file, [{'vid': o.task.vid, 'file': str(o.task.path), 'error': o.error} for o in failed])
    for outcome in failed:
        print(f'failed: {outcome.error}', file=sys.stderr)
    print(f'{len(failed)} videos have no features, see {file}', file=sys.stderr)


def run_extraction(args: argparse.Namespace) -> int:
    """Extract as the command line says.

    Args:
        args: The arguments of ``mmvmr extract``.

    Returns:
        The exit status: 1 where videos have no features.

    Raises:
        UserError: If the specification is unknown or wrong.
        ValueError: If videos, sentences or the folder cannot be used.
    """
    spec = read_extraction_spec(args.spec, args.cfg_options)
    videos, queries = find_videos(args.videos), read_queries(args.queries)
    folder = FeatureFolder(args.out, spec, args.dtype)
    damaged = 'keep' if args.keep_damaged else 'error'
    devices = tuple(str(usable_device(name)) for name in args.device.split(','))
    folder.check()
    settings = Settings(folder, damaged, devices, args.jobs)
    if queries:
        extract_text(queries, settings, folder)
    failed = extract_videos(videos, settings, folder) if videos else []
    report(failed, args.out)
    return 1 if failed else 0
