"""Convert Charades-FIG: sentences of Charades-STA made fine-grained, so that they tell their video from others.

    python tools/dataset_converters/charades_fig.py test.jsonl --videos val.jsonl --out fig_val.jsonl

Qids get a prefix, as text features are stored by qid; `mmvmr extract --queries` makes those of the new sentences. With
`--sentence cog_desc` the rows have the sentences of Charades-STA instead.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmvmr.preparation.converters import charades_fig_rows
from mmvmr.preparation.converters.corpora import SENTENCES
from mmvmr.preparation.converters.located import LocatedRow
from mmvmr.preparation.converters.tool import converter_parser, run_converter
from mmvmr.utils import read_jsonl
from mmvmr.utils.cli import UserError
from mmvmr.utils.paths import refuse_own_input


def main(argv: list[str] | None = None) -> int:
    """Convert; see the module docstring."""
    parser = converter_parser(__doc__, 'jsonl file of Charades-FIG')
    parser.add_argument('--sentence', choices=SENTENCES, default=SENTENCES[0], help='default: %(default)s')
    parser.add_argument('--prefix', default='fig_', help='put before every qid; default: %(default)s')
    parser.add_argument('--videos', type=Path, metavar='JSONL', help='only sentences about the videos of this file')

    def read(args: argparse.Namespace) -> list[LocatedRow]:
        rows = charades_fig_rows(args.source, args.sentence, args.prefix)
        if args.videos is None:
            return rows
        refuse_own_input(args.out, [args.videos])
        names = [row.get('vid') for row in read_jsonl(args.videos)]
        if None in names:
            raise UserError(f'{args.videos}: row {names.index(None) + 1} has no vid; give an annotation file')
        wanted = {*map(str, names)}
        chosen = [located for located in rows if located.issues or str(located.row['vid']) in wanted]
        print(f'{args.videos}: {len(rows) - len(chosen)} of {len(rows)} rows are about other videos and are left out')
        return chosen

    return run_converter(parser.parse_args(argv), read)


if __name__ == '__main__':
    sys.exit(main())
