"""The same as ``mmvmr compose``, for a checkout that is not installed."""

import sys

from mmvmr.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['compose', *sys.argv[1:]]))
