"""Find videos and moments in a folder that `mmvmr index` has encoded.

mmvmr search videos.index "a dog jumps into the water" --top 5
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mmvmr.cli.finder_arguments import add_finder_arguments, build_finder, clock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('index', type=Path, help='folder that `mmvmr index` wrote')
    parser.add_argument('sentence', nargs='+', help='what to find, one or many')
    parser.add_argument('--top', type=int, default=10, metavar='N', help='moments per sentence; default: %(default)s')
    parser.add_argument('--json', action='store_true', help='print one JSON object per moment instead of text')
    add_finder_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Search; see the module docstring."""
    from mmvmr.apis.inputs import checked_sentences
    from mmvmr.search import Collection, search
    from mmvmr.utils.errors import UserError

    if not (args.index / 'index.json').is_file():
        raise UserError(f'{args.index}: is no index; make one with `mmvmr index FOLDER --out {args.index}`')
    sentences = checked_sentences(args.sentence)
    collection = Collection(args.index, build_finder(args))
    for sentence in sentences:
        if not args.json:
            print(f'"{sentence}" in {len(collection)} videos')
        for rank, hit in enumerate(search(collection, sentence, args.top), start=1):
            moment = hit.moment
            if args.json:
                row = {'query': sentence, 'rank': rank, 'video': hit.name, 'start': moment.start, 'end': moment.end}
                print(json.dumps({**row, 'video_score': hit.video_score}, ensure_ascii=False))
            else:
                span = f'{clock(moment.start)} - {clock(moment.end)}'
                print(f'  {rank:>2}  {hit.name}  {span}  similarity {hit.video_score:.2f}')
    return 0
