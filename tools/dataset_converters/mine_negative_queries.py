"""Write the negatives of every query into its annotation, as BM-DETR trains with them.

The negatives of a query (``neg_query_ids``) belong to the same video, none of their moments overlaps with one of its
own by an IoU of --max-iou or more, and their sentences are less similar than --max-similarity (the paper names
SentenceBERT and no threshold). Everything else in the annotations stays as it is. A query without a negative gets an
empty list: the ``empty`` option of the ``NegativeQuery`` transform says what becomes of it.

Examples:
    python tools/dataset_converters/mine_negative_queries.py charades_train_release.jsonl \
        charades_train_negatives.jsonl --model sentence-transformers/all-MiniLM-L6-v2
    python tools/dataset_converters/mine_negative_queries.py train.jsonl train_negatives.jsonl \
        --embeddings sentences.npz --max-similarity 0.6
    python tools/dataset_converters/mine_negative_queries.py train.jsonl train_negatives.jsonl \
        --embeddings 'features/minilm_tokens/qid{qid}.npz' --key pooler_output
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmvmr.cli.arguments import positive
from mmvmr.datasets.annotations import AnnotationReader
from mmvmr.preparation.negative_mining import (
    KEY,
    Mined,
    embed_sentences,
    mine_negatives,
    read_embeddings,
    with_negatives,
)
from mmvmr.utils import atomic_write
from mmvmr.utils.cli import UserError, one_line_errors
from mmvmr.utils.io import read_text


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument('annotations', type=Path, metavar='ANNOTATIONS', help='jsonl file of the training split')
    parser.add_argument('out', type=Path, metavar='OUT', help='jsonl file to write')
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument('--model', metavar='NAME', help='sentence-transformers model, a path or a name')
    source.add_argument(
        '--embeddings',
        metavar='FILE',
        help='.npz with qids (N,) and embeddings (N, D); .npy (N, D); or one file per query, e.g. qid{qid}.npz',
    )
    source.add_argument('--moments-only', action='store_true', help='compare no sentences, except for equal ones')
    parser.add_argument('--qids', metavar='FILE', help='query ids of a .npy: another .npy, or text with one per line')
    parser.add_argument('--key', help='array with the embeddings; default: embeddings, or that of a feature file')
    parser.add_argument('--max-iou', type=float, default=0.5, metavar='X', help='excluded; default: %(default)s')
    parser.add_argument('--max-similarity', type=float, default=0.7, metavar='X', help='excluded; default: %(default)s')
    parser.add_argument('--batch-size', type=positive, default=256, metavar='N', help='sentences at a time')
    parser.add_argument('--device', help='where the model runs, e.g. cuda; default: where the package thinks best')
    parser.add_argument('--overwrite', action='store_true', help=f'replace OUT, and {KEY} that are there already')
    args = parser.parse_args(argv)
    if not 0 < args.max_iou <= 1 or not -1 < args.max_similarity <= 1:
        parser.error('--max-iou must be in (0, 1], --max-similarity in (-1, 1]')
    return args


def run(args: argparse.Namespace) -> Mined:
    """Read, embed, mine, write.

    Args:
        args: The command line.

    Returns:
        What was written.

    Raises:
        UserError: If something would be overwritten unasked.
    """
    if args.out.exists() and not args.overwrite:
        raise UserError(f'{args.out} exists: give another OUT, or --overwrite')
    rows = AnnotationReader(outside='clip').read(args.annotations)
    if not args.overwrite and any(KEY in row for row in rows):
        raise UserError(f'{args.annotations}: {KEY} are there already; --overwrite replaces them')
    embeddings = None
    if args.model is not None:
        embeddings = embed_sentences(rows, args.model, args.batch_size, args.device)
    elif args.embeddings is not None:
        embeddings = read_embeddings(args.embeddings, rows, args.qids, args.key)
    mined = mine_negatives(rows, embeddings, args.max_iou, args.max_similarity)
    # Split at line feeds alone: a sentence may hold other characters that str.splitlines takes for line ends.
    lines = [line for line in read_text(args.annotations).split('\n') if line.strip()]
    with atomic_write(args.out) as tmp, tmp.open('w', encoding='utf-8', newline='\n') as out:
        out.writelines(with_negatives(*parts) + '\n' for parts in zip(lines, rows, mined.ids, strict=True))
    return mined


def main(argv: list[str] | None = None) -> None:
    """Mine, and say how many queries have negatives."""
    args = parse_args(argv)
    with one_line_errors(ImportError, OSError, ValueError):
        mined = run(args)
    counts = [len(ids) for ids in mined.ids if ids]
    mean = sum(counts) / max(len(counts), 1)
    print(
        f'{args.out}: {len(counts)} of {len(mined.ids)} queries have negatives, {mean:.1f} on average. '
        f'Of the others {mined.alone} are alone in their video, {mined.overlapping} have only queries of overlapping '
        f'moments or of equal words in addition, {mined.similar} only similar sentences'
    )


if __name__ == '__main__':
    main()
