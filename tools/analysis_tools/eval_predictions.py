"""Score a prediction file against an annotation file, as the official evaluator does. Needs numpy only.

Example:
    python tools/analysis_tools/eval_predictions.py preds.jsonl highlight_val_release.jsonl --out metrics.json
"""

import argparse
import sys
from typing import NoReturn

from mmvmr.evaluation.functional import InputError, evaluate_predictions, protocol_names, report_to_json
from mmvmr.utils.io import atomic_write, read_jsonl


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('predictions', metavar='PREDS', help='jsonl: qid, pred_relevant_windows, pred_saliency_scores')
    parser.add_argument('annotations', metavar='GT', help='jsonl with the ground truth of the same queries')
    parser.add_argument('--protocol', default='qvhighlights', choices=protocol_names(), help='default: %(default)s')
    parser.add_argument('--out', metavar='JSON', help='also write the figures to this file')
    parser.add_argument(
        '--subset', action='store_true', help='score only the queries that PREDS has (figures compare with nothing)'
    )
    return parser.parse_args()


def fail(error: Exception) -> NoReturn:
    """End with one line instead of a traceback."""
    print(f'error: {error}', file=sys.stderr)
    sys.exit(2)


def main() -> None:
    """Score, print, write."""
    args = parse_args()
    try:
        predictions, annotations = read_jsonl(args.predictions), read_jsonl(args.annotations)
    except (OSError, ValueError) as error:
        fail(error)
    try:
        report = evaluate_predictions(
            predictions,
            annotations,
            protocol=args.protocol,
            subset=args.subset,
            source=args.predictions,
            reference=args.annotations,
        )
    except InputError as error:
        fail(error)
    text = report_to_json(report)
    if args.out:
        with atomic_write(args.out) as tmp:
            tmp.write_text(text + '\n', encoding='utf-8')
    print(text)


if __name__ == '__main__':
    main()
