"""The same as ``mmvmr grid``, for a checkout that is not installed."""

import sys

from mmvmr.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['grid', *sys.argv[1:]]))
