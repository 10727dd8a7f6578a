"""mmvmr: a toolbox for video moment retrieval and highlight detection."""

from mmvmr.version import __version__

__all__ = ['__version__']
