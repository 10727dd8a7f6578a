"""Convert the SlowFast weights of PySlowFast's model zoo (a Caffe2 pickle) to a checkpoint of torch.

    python tools/model_converters/caffe2_slowfast.py SLOWFAST_8x8_R50.pkl slowfast_8x8_r50.pth

The pickle is read by a reader that knows numpy arrays and nothing else, so that no code of the file is run. The weights
are loaded into SLOWFAST_8x8_R50 before DST is written, so that a file that appears fits.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from mmvmr.features.networks import SlowFast, load_weights, read_numpy_pickle
from mmvmr.features.networks.caffe2_names import from_caffe2
from mmvmr.utils import atomic_write
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
        state = from_caffe2(read_numpy_pickle(args.source), args.source)
        network = SlowFast(width=args.width, depths=args.depths, num_classes=args.num_classes)
        load_weights(network, state, args.source)
        with atomic_write(args.target) as temporary:
            torch.save({'model_state': network.state_dict()}, temporary)
    print(f'{args.target}: {len(state)} tensors, {sum(p.numel() for p in network.parameters()):,} parameters')


if __name__ == '__main__':
    main()
