"""Score a prediction file against an annotation file, as the official evaluator does. Needs numpy only.

Example:
    python tools/analysis_tools/eval_predictions.py preds.jsonl highlight_val_release.jsonl --out metrics.json
"""

import argparse
import sys

from mmvmr.evaluation.functional import (
    InputError,
    evaluate_predictions,
    protocol_names,
    read_jsonl,
    report_to_json,
    write_text,
)


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


def main() -> None:
    """Score, print, write."""
    args = parse_args()
    try:
        report = evaluate_predictions(
            read_jsonl(args.predictions),
            read_jsonl(args.annotations),
            protocol=args.protocol,
            subset=args.subset,
            source=args.predictions,
            reference=args.annotations,
        )
    except InputError as error:
        sys.exit(f'error: {error}')
    text = report_to_json(report)
    if args.out:
        write_text(args.out, text + '\n')
    print(text)


if __name__ == '__main__':
    main()
