"""Convert NA-VMR: sentences about the wrong video, or invented ones, for queries without a moment.

    python tools/dataset_converters/na_vmr.py charades_test.in_domain.jsonl --out val_none.jsonl

Its window [0, 0] becomes an empty list, which is how annotations here say that a sentence describes nothing in its
video. Qids get a prefix, as text features are stored by qid; `mmvmr extract --queries` makes those of the new
sentences. Use the result next to the ordinary annotations: ann_file=['val.jsonl', 'val_none.jsonl'].
"""

from __future__ import annotations

import argparse
import sys

from mmvmr.preparation.converters.lines import na_vmr_rows
from mmvmr.preparation.converters.located import LocatedRow
from mmvmr.preparation.converters.tool import converter_parser, run_converter


def main(argv: list[str] | None = None) -> int:
    """Convert; see the module docstring."""
    parser = converter_parser(__doc__, 'jsonl file of NA-VMR')
    parser.add_argument('--prefix', default='na_', help='put before every qid; default: %(default)s')

    def read(args: argparse.Namespace) -> list[LocatedRow]:
        rows, repeated = na_vmr_rows(args.source, args.prefix)
        if repeated:
            print(f'{args.source}: {repeated} rows repeat an earlier one and are left out')
        return rows

    return run_converter(parser.parse_args(argv), read)


if __name__ == '__main__':
    sys.exit(main())
