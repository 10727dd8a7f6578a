"""Ask videos on a page in the browser: upload one, write sentences, see their moments on the player, export them.

    mmvmr demo
    mmvmr demo --videos holiday --checkpoint qd_detr.pth --port 8000

Without a checkpoint the zero-shot model answers, which needs no network connection. The page listens on this machine
only; nothing is sent elsewhere, and uploads are deleted when the command ends (Ctrl+C). Needs the extra `demo`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from mmvmr.cli.arguments import positive
from mmvmr.cli.finder_arguments import add_finder_arguments, build_finder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('--videos', metavar='DIR', help='folder with videos to choose from')
    parser.add_argument('--host', default='127.0.0.1', help='address to listen on; default: %(default)s, this machine')
    parser.add_argument('--port', type=int, metavar='N', help='default: the first free one from 7860 on')
    parser.add_argument('--open', action='store_true', help='open the page in the browser')
    parser.add_argument(
        '--top', type=positive, default=5, metavar='N', help='moments per sentence; default: %(default)s'
    )
    add_finder_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Serve the page; see the module docstring."""
    from mmvmr.features.videos import find_videos
    from mmvmr.report.demo import build_demo, launch_demo

    videos = find_videos([args.videos]) if args.videos else {}
    # Before Gradio is imported, which reads them then.
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    os.environ['HF_HUB_DISABLE_TELEMETRY'] = '1'
    with tempfile.TemporaryDirectory(prefix='mmvmr-demo-') as folder:
        os.environ['GRADIO_TEMP_DIR'] = folder
        demo = build_demo(build_finder(args, max_moments=args.top), videos, Path(folder))
        launch_demo(demo, videos, args.host, args.port, args.open)
    return 0
