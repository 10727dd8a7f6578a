"""The same as ``mmvmr config``, for a checkout that is not installed."""

import sys

from mmvmr.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['config', *sys.argv[1:]]))
