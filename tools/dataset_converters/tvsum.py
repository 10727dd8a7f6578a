"""Convert TVSum, from the JSON that the authors of UMT share or from jsonl.

    python tools/dataset_converters/tvsum.py tvsum_anno.json --domains domains.json --only val.txt --out val.jsonl

The JSON form is {video: {anno (ratings of 20 annotators per clip), title, domain}}; files without domain need a table.
"""

from __future__ import annotations

import sys

from mmvmr.preparation.converters import tvsum_rows
from mmvmr.preparation.converters.tool import highlight_parser, run_converter, with_highlights


def main(argv: list[str] | None = None) -> int:
    """Convert; see the module docstring."""
    return run_converter(highlight_parser(__doc__).parse_args(argv), with_highlights(tvsum_rows))


if __name__ == '__main__':
    sys.exit(main())
