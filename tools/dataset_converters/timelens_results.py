"""Convert results of TimeLens' evaluation to a prediction file for mmvmr eval, compare and browse.

    python tools/dataset_converters/timelens_results.py result.jsonl --gt charades_timelens.jsonl --out preds.jsonl

The official form is {"video>>>sentence>>>span": {"timestamps": [[start, end]], "answers": "..."}}, as JSON or jsonl;
answers are read where there are no timestamps. --gt is what timelens.py wrote.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmvmr.preparation.converters.timelens import timelens_predictions
from mmvmr.utils.cli import UserError, one_line_errors
from mmvmr.utils.io import read_jsonl, write_jsonl
from mmvmr.utils.paths import refuse_own_input


def main(argv: list[str] | None = None) -> int:
    """Convert; see the module docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument('source', type=Path, help='JSON or jsonl file of results')
    parser.add_argument('--gt', type=Path, required=True, metavar='FILE', help='annotations that timelens.py wrote')
    parser.add_argument('--out', type=Path, required=True, metavar='FILE', help='prediction file to write')
    args = parser.parse_args(argv)
    with one_line_errors(OSError, ValueError):
        refuse_own_input(args.out, [args.source, args.gt])
        annotations = read_jsonl(args.gt)
        rows, empty = timelens_predictions(args.source, annotations)
        if not rows:
            raise UserError(f'{args.source}: no result in this file')
        write_jsonl(args.out, rows)
    print(f'{args.out}: {len(rows)} of {len(annotations)} queries, {empty} without a window')
    return 0


if __name__ == '__main__':
    sys.exit(main())
