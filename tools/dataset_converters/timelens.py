"""Convert TimeLens-Bench: Charades, ActivityNet and QVHighlights with windows and sentences annotated again.

    python tools/dataset_converters/timelens.py charades-timelens.json --out charades_timelens.jsonl
    mmvmr eval preds.jsonl charades_timelens.jsonl --protocol timelens

The official form is {video: {duration, spans, queries}}, as its published loader reads it. Sentences become those of
the official prompts: single spaces, no full stop at the end. Results of its evaluation: timelens_results.py.
"""

from __future__ import annotations

import sys

from mmvmr.preparation.converters.timelens import timelens_rows
from mmvmr.preparation.converters.tool import converter_parser, run_converter


def main(argv: list[str] | None = None) -> int:
    """Convert; see the module docstring."""
    parser = converter_parser(__doc__, 'JSON file of one data set')
    return run_converter(parser.parse_args(argv), lambda args: timelens_rows(args.source))


if __name__ == '__main__':
    sys.exit(main())
