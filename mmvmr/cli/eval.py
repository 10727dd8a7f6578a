"""Score a prediction file against an annotation file, as the official evaluator does. Needs numpy only.

mmvmr eval preds.jsonl highlight_val_release.jsonl --out metrics.json --page preds.html
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmvmr.cli.arguments import add_page_arguments, add_protocol, page_options

ERRORS = (OSError, ValueError)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        'predictions',
        metavar='PREDS',
        help='jsonl: qid, pred_relevant_windows, pred_saliency_scores, pred_exist_score; for --protocol corpus: '
        'pred_corpus_moments, pred_videos, or the .json of TVR',
    )
    parser.add_argument('annotations', metavar='GT', help='jsonl with the ground truth of the same queries')
    add_protocol(parser)
    parser.add_argument('--out', metavar='JSON', help='also write the figures to this file')
    parser.add_argument(
        '--subset', action='store_true', help='score only the queries that PREDS has (figures compare with nothing)'
    )
    add_page_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Score, print, write."""
    from mmvmr.evaluation.corpus_files import read_predictions
    from mmvmr.evaluation.functional import evaluate_predictions, report_to_json, unit_notes
    from mmvmr.utils.io import atomic_write, read_jsonl

    options = page_options(args)
    predictions, annotations = read_predictions(args.predictions, args.protocol), read_jsonl(args.annotations)
    report = evaluate_predictions(
        predictions,
        annotations,
        protocol=args.protocol,
        subset=args.subset,
        source=args.predictions,
        reference=args.annotations,
    )
    for note in unit_notes(predictions, annotations, args.predictions, args.annotations):
        print(f'note: {note}', file=sys.stderr)
    text = report_to_json(report)
    if args.out:
        with atomic_write(args.out) as tmp:
            tmp.write_text(text + '\n', encoding='utf-8')
    print(text)
    if args.page:
        from mmvmr.report import write_prediction_report

        scored = {row['qid'] for row in predictions}
        rows = [row for row in annotations if row['qid'] in scored]
        models = {Path(args.predictions).stem: predictions}
        print(f'wrote {write_prediction_report(models, rows, args.page, args.protocol, **options)}', file=sys.stderr)
