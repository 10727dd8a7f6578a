"""mmvmr: a toolbox for video moment retrieval and highlight detection."""

from .version import __version__

__all__ = ['__version__']
