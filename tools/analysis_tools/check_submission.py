"""Check a file for the QVHighlights leaderboard before it is sent. Needs numpy only.

python tools/analysis_tools/check_submission.py hl_test_submission.jsonl --gt highlight_test_release.jsonl
"""

import argparse
import sys
from pathlib import Path

from mmvmr.evaluation.functional import check_submission
from mmvmr.evaluation.functional.submission import FILE_NAMES
from mmvmr.utils.io import read_jsonl


def main() -> None:
    """Check and print remarks; exit code 2 where the file cannot be sent."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('predictions', metavar='PREDS', help='jsonl: qid, query, vid, moments and clip scores')
    parser.add_argument('--gt', required=True, metavar='JSONL', help='official annotation file of the split')
    args = parser.parse_args()
    try:
        predictions = read_jsonl(args.predictions)
        remarks = check_submission(predictions, read_jsonl(args.gt), args.predictions, args.gt)
    except (OSError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        sys.exit(2)
    name = Path(args.predictions).name
    if name not in FILE_NAMES:
        remarks.append(f'the leaderboard knows the names {" and ".join(FILE_NAMES)}; this file is called {name}')
    for remark in remarks:
        print(f'note: {remark}')
    print(f'{args.predictions}: {len(predictions)} entries, can be sent')


if __name__ == '__main__':
    main()
