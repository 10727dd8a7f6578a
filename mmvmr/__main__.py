"""``python -m mmvmr``: the same as the command ``mmvmr``."""

import sys

from mmvmr.cli.main import main

sys.exit(main())
