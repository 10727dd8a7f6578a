"""The same as ``mmvmr robustness``, for a checkout that is not installed."""

import sys

from mmvmr.cli.main import main

if __name__ == '__main__':
    sys.exit(main(['robustness', *sys.argv[1:]]))
