"""Parity with the published implementations: their recorded numbers compared with ours."""

from parity.comparison import check_folder
from parity.groups import Group

__all__ = ['Group', 'check_folder']
