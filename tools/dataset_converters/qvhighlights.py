"""Check QVHighlights and write it anew: windows and rated clips have to say the same.

    python tools/dataset_converters/qvhighlights.py highlight_val_release.jsonl --out highlight_val.jsonl

Official files: highlight_{train,val,test}_release.jsonl of the Moment-DETR authors, and the test file with ground
truth.
"""

from __future__ import annotations

import sys

from mmvmr.preparation.converters.lines import qvhighlights_rows
from mmvmr.preparation.converters.tool import converter_parser, run_converter


def main(argv: list[str] | None = None) -> int:
    """Convert; see the module docstring."""
    args = converter_parser(__doc__, 'jsonl file of the Moment-DETR authors').parse_args(argv)
    return run_converter(args, lambda args: qvhighlights_rows(args.source))


if __name__ == '__main__':
    sys.exit(main())
