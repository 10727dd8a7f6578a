"""The same as ``mmvmr compare``, for a checkout that is not installed."""

import sys

from mmvmr.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['compare', *sys.argv[1:]]))
