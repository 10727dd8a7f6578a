"""What tests of this and of other packages need: replayed random draws."""

from .draws import ReplayDraws

__all__ = ['ReplayDraws']
