"""The tables of the guide say what composing does."""

import sys

from run_helpers import REPO

sys.path.insert(0, str(REPO / 'tools' / 'analysis_tools'))
import composition_table
from doc_sections import update


def test_the_tables_are_up_to_date():
    message = 'run: python tools/analysis_tools/composition_table.py --write'
    assert update(composition_table.sections(), check=True) == 0, message
