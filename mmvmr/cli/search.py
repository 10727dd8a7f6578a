"""Find videos and moments in a folder that `mmvmr index` has encoded, or in the videos of a data set.

    mmvmr search videos.index "a dog jumps into the water" --top 5
    mmvmr search videos.index --queries queries.jsonl --out preds.jsonl
    mmvmr search ridge_clip_charades --checkpoint work_dirs/ridge_clip_charades/fitted.pth --out preds.jsonl

Of a config, the collection is the test data set with its features; its sentences are asked, or those of --queries.
--out writes a prediction file that `mmvmr eval --protocol corpus` scores. --rank-by names a second checkpoint with a
fitted similarity, which ranks the videos, for moment models that have none.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmvmr.cli.arguments import add_config_options, amount, positive
from mmvmr.cli.finder_arguments import add_finder_arguments, build_finder, clock

if TYPE_CHECKING:
    from mmvmr.search import SearchResult
    from mmvmr.search.ranking import Videos


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('index', help='folder that `mmvmr index` wrote; or a config, or the name of a shipped one')
    parser.add_argument('sentence', nargs='*', default=[], help='what to find, one or many')
    parser.add_argument('--queries', type=Path, metavar='JSONL', help='sentences of a file with qid and query per line')
    parser.add_argument('--out', type=Path, metavar='FILE', help='write predictions: .jsonl, or .json as TVR has it')
    parser.add_argument('--top', type=positive, metavar='N', help='moments per sentence; default: 10, with --out 100')
    parser.add_argument(
        '--candidates', type=positive, default=20, metavar='N', help='videos that are looked at; default: %(default)s'
    )
    parser.add_argument(
        '--per-video', type=positive, metavar='N', help='moments of one video; default: 1, with --out 5'
    )
    parser.add_argument(
        '--video-weight',
        type=amount,
        metavar='W',
        help='rank moments by exp(W x video score) x moment score (TVR: 20); default: by the video, then by the moment',
    )
    parser.add_argument('--json', action='store_true', help='print one JSON object per moment instead of text')
    add_config_options(parser, 'the config of a data set')
    add_finder_arguments(parser)
    parser.add_argument('--rank-by', metavar='PTH', help='checkpoint whose similarity ranks the videos')


def run(args: argparse.Namespace) -> int:
    """Search; see the module docstring."""
    from mmvmr.apis import MomentFinder
    from mmvmr.search import search
    from mmvmr.utils.errors import UserError

    if args.out is not None and args.sentence:
        raise UserError('--out writes answers to queries with a qid: give the sentences as --queries FILE')
    if args.out is not None and args.out.suffix not in ('.jsonl', '.json'):
        raise UserError(f'--out {args.out}: expected a name that ends in .jsonl, or in .json as TVR has it')
    collection = open_videos(args)
    rows, tokens = asked(args, collection)
    ranker = None
    if args.rank_by is not None:
        options = {'device': args.device, 'cache_dir': args.cache_dir, 'half': args.half}
        ranker = MomentFinder(args.rank_by, spec=args.spec, **options)
    top, per_video = args.top or (10 if args.out is None else 100), args.per_video or (1 if args.out is None else 5)
    sentences = [row['query'] for row in rows]
    results = search(
        collection, sentences, top, args.candidates, per_video, args.video_weight, ranker=ranker, tokens=tokens
    )
    if args.out is not None:
        write(args, collection, rows, results)
        return 0
    for sentence, result in zip(sentences, results):
        show(args, sentence, result, len(collection.names))
    return 0


def open_videos(args: argparse.Namespace) -> Videos:
    """The collection of a command line: an index, or the test data set of a config."""
    from mmvmr.registry import DATASETS
    from mmvmr.search import Collection, DatasetVideos
    from mmvmr.utils.cli import load_config
    from mmvmr.utils.config import find_config
    from mmvmr.utils.errors import UserError
    from mmvmr.utils.setup import apply_data_root, check_data_roots, register_all_modules

    if (Path(args.index) / 'index.json').is_file():
        if args.cfg_options:
            raise UserError(f'--cfg-options changes a config, but {args.index} is an index')
        index = Collection(Path(args.index), build_finder(args))
        if gone := index.gone():
            print(
                f'note: {len(gone)} of {len(index)} videos of {args.index} are not in {index.videos} any more (first: '
                f'{gone[0]}); `mmvmr index {index.videos} --out {args.index}` removes them',
                file=sys.stderr,
            )
        return index
    try:
        find_config(args.index)
    except FileNotFoundError as error:
        folder = Path(args.index)
        if folder.is_dir():
            hint = f'if it holds videos, run `mmvmr index {folder}`, then search {folder}.index'
        else:
            hint = f'make one with `mmvmr index FOLDER`. To search the videos of a data set give its config ({error})'
        raise UserError(f'{folder} is not an index; {hint}') from error
    cfg = load_config(args.index, args.cfg_options)
    register_all_modules()
    apply_data_root(cfg)
    check_data_roots(cfg)
    return DatasetVideos(DATASETS.build(cfg.test_dataloader.dataset), build_finder(args))


def asked(args: argparse.Namespace, collection: Videos) -> tuple[list[dict[str, Any]], list[Any] | None]:
    """Rows with the sentences, and their text features where a data set has them."""
    from mmvmr.apis.inputs import checked_sentences
    from mmvmr.search import DatasetVideos
    from mmvmr.utils.errors import UserError
    from mmvmr.utils.io import read_jsonl

    if args.queries is not None:
        if args.sentence:
            raise UserError('give sentences, or --queries FILE, not both')
        if not (rows := read_jsonl(args.queries)):
            raise UserError(f'{args.queries}: the file is empty, expected lines with "qid" and "query"')
        numbers: dict[Any, int] = {}
        for number, row in enumerate(rows, start=1):
            if row.get('qid') is None or not str(row.get('query') or '').strip():
                raise UserError(f'{args.queries}: row {number}: expected "qid" and a "query" that is not empty')
            if (first := numbers.setdefault(row['qid'], number)) != number:
                raise UserError(
                    f'{args.queries}: row {number}: qid {row["qid"]!r} is that of row {first} too; number anew'
                )
        return rows, None
    if not args.sentence and isinstance(collection, DatasetVideos):
        return list(collection.dataset.rows), collection.tokens()
    if not args.sentence:
        raise UserError('no sentence was given; ask at least one, e.g. "a dog jumps into the water", or --queries FILE')
    return [{'query': sentence} for sentence in checked_sentences(args.sentence)], None


def write(args: argparse.Namespace, collection: Any, rows: list[dict[str, Any]], results: Any) -> None:
    """Write a prediction file, with a progress bar."""
    from mmvmr.evaluation.corpus_files import write_corpus_predictions
    from mmvmr.search import prediction_row
    from mmvmr.utils.progress import progress

    vids = {str(row['vid']) for row in rows if row.get('vid') is not None}
    shown = progress(results, total=len(rows), unit=' queries')
    predictions = [prediction_row(row, result, vids) for row, result in zip(rows, shown)]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    write_corpus_predictions(args.out, predictions)
    print(f'{args.out}: {len(predictions)} queries in {len(collection.names)} videos')
    if vids:
        truth = args.queries or getattr(collection.dataset, 'ann_path', None) or 'ANNOTATIONS'
        print(f'score it with: mmvmr eval {args.out} {truth} --protocol corpus')


def show(args: argparse.Namespace, sentence: str, result: SearchResult, videos: int) -> None:
    """Print the moments of a sentence."""
    if not args.json:
        print(f'"{sentence}" in {videos} videos')
    for rank, hit in enumerate(result.hits, start=1):
        moment = hit.moment
        if args.json:
            row = {'query': sentence, 'rank': rank, 'video': hit.name, 'start': moment.start, 'end': moment.end}
            print(json.dumps({**row, 'video_score': hit.video_score}, ensure_ascii=False))
        else:
            span = f'{clock(moment.start)} - {clock(moment.end)}'
            print(f'  {rank:>2}  {hit.name}  {span}  similarity {hit.video_score:.2f}')
