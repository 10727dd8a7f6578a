"""Convert YouTube Highlights, from the JSON that the authors of UMT share or from jsonl.

    python tools/dataset_converters/youtube_highlights.py youtube_anno.json --only val.txt --out val.jsonl

The JSON form is {video: {frames, fps, clip ([first, last] frame), match (1, 0, -1 per clip), domain}}; files without
domain need a table. The sentence of a video is its domain, its highlights are the clips that match.
"""

from __future__ import annotations

import sys

from mmvmr.preparation.converters import youtube_rows
from mmvmr.preparation.converters.tool import highlight_parser, run_converter, with_highlights


def main(argv: list[str] | None = None) -> int:
    """Convert; see the module docstring."""
    return run_converter(highlight_parser(__doc__).parse_args(argv), with_highlights(youtube_rows))


if __name__ == '__main__':
    sys.exit(main())
