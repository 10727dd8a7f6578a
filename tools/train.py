"""The same as ``mmvmr train``, for a checkout that is not installed."""

import sys

from mmvmr.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['train', *sys.argv[1:]]))
