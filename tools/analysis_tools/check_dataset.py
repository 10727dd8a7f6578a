"""The same as ``mmvmr check``, for a checkout that is not installed."""

import sys

from mmvmr.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['check', *sys.argv[1:]]))
