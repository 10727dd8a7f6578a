"""Convert TVR: sentences to be found in a collection of videos.

    python tools/dataset_converters/tvr.py tvr_val_release.jsonl --out data/tvr/tvr_val.jsonl

A row keeps `desc_id` as its qid, so predictions for TVR's evaluator and the converted file fit together:
`mmvmr eval submission.json data/tvr/tvr_val.jsonl --protocol corpus`.
"""

from __future__ import annotations

import sys

from mmvmr.preparation.converters import tvr_rows
from mmvmr.preparation.converters.tool import converter_parser, run_converter


def main(argv: list[str] | None = None) -> int:
    """Convert; see the module docstring."""
    args = converter_parser(__doc__, 'jsonl file of TVR').parse_args(argv)
    return run_converter(args, lambda args: tvr_rows(args.source))


if __name__ == '__main__':
    sys.exit(main())
