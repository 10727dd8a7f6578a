"""The same as ``mmvmr browse``, for a checkout that is not installed."""

import sys

from mmvmr.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['browse', *sys.argv[1:]]))
