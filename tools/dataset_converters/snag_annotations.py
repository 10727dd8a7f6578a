"""Convert annotations of the SnAG authors to jsonl.

    python tools/dataset_converters/snag_annotations.py ANNOTATIONS.json --split test --out data/mad/mad_test.jsonl

Theirs is one JSON file with a dict of videos per split, each with ``fps``, ``num_frames`` and sentences; ours has one
line per sentence, in seconds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmvmr.utils.cli import UserError, one_line_errors
from mmvmr.utils.io import read_json, write_jsonl
from mmvmr.utils.paths import refuse_own_input


def rows(videos: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """One row per sentence; moments are cut to the video, and empty ones left out, as in the official loader.

    Args:
        videos: Name to video.

    Yields:
        ``qid``, ``query``, ``vid``, ``duration`` and ``relevant_windows``.
    """
    for vid, video in videos.items():
        duration = float(video.get('duration') or video['num_frames'] / video['fps'])
        for number, sentence in enumerate(video.get('annotations', ())):
            start, end = max(float(sentence['segment'][0]), 0.0), min(float(sentence['segment'][1]), duration)
            if end > start:
                yield {
                    'qid': sentence.get('sentence_id', f'{vid}_{number:04d}'),
                    'query': sentence['sentence'].strip(),
                    'vid': vid,
                    'duration': duration,
                    'relevant_windows': [[start, end]],
                }


def main() -> None:
    """Convert; see the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('annotations', type=Path, help='JSON file of the SnAG authors')
    parser.add_argument('--split', nargs='+', required=True, help='names of splits, joined')
    parser.add_argument('--out', type=Path, required=True, help='jsonl file to write')
    args = parser.parse_args()
    with one_line_errors(OSError, ValueError, KeyError):
        refuse_own_input(args.out, [args.annotations])
        content = read_json(args.annotations)
        if absent := [name for name in args.split if name not in content]:
            raise UserError(f'{args.annotations}: no split {absent}, there are {sorted(content)}')
        found = [row for name in args.split for row in rows(content[name])]
        write_jsonl(args.out, found)
    print(f'{args.out}: {len(found)} sentences about {len({row["vid"] for row in found})} videos')


if __name__ == '__main__':
    main()
