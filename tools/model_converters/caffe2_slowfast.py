"""Convert the SlowFast weights of PySlowFast's model zoo (a Caffe2 pickle) to a checkpoint of torch.

    python tools/model_converters/caffe2_slowfast.py SLOWFAST_8x8_R50.pkl slowfast_8x8_r50.pth

The pickle is read by a reader that knows numpy arrays and nothing else, so that no code of the file is run. The weights
are loaded into SLOWFAST_8x8_R50 before DST is written, so that a file that appears fits.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmvmr.conversion.convert import convert_slowfast
from mmvmr.utils.cli import one_line_errors


def main() -> None:
    """Run the conversion; see the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('source', type=Path, help='the Caffe2 pickle')
    parser.add_argument('target', type=Path, help='where to write')
    parser.add_argument('--width', type=int, default=64, help='channels of the slow stem (default: 64)')
    parser.add_argument('--depths', type=int, nargs=4, default=(3, 4, 6, 3), help='blocks per stage (default: R50)')
    parser.add_argument('--num-classes', type=int, default=400, help='classes of the head (default: 400)')
    args = parser.parse_args()
    with one_line_errors(OSError, ValueError):
        state = convert_slowfast(args.source, args.target, args.width, args.depths, args.num_classes)
    print(f'{args.target}: {len(state)} tensors, {sum(value.numel() for value in state.values()):,} numbers')


if __name__ == '__main__':
    main()
