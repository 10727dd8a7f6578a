"""A short log on the screen; the log file holds everything."""

from __future__ import annotations

import logging
from pathlib import Path

_PACKAGE = str(Path(__file__).parents[1])  # not resolved: records have the path that was imported
#: mmengine warning about its use of functions that it deprecates itself.
_NOT_FOR_USERS = ('"FileClient" will be deprecated', '"HardDiskBackend" is the alias')


class ScreenFilter(logging.Filter):
    """Lets through what a user wants to see while a training or test runs.

    Environment, config and order of the hooks are records of many lines, and go to the file only. So does what mmengine
    reports while things are built. Warnings and errors pass.
    """

    def __init__(self) -> None:
        super().__init__()
        self.running = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Decide about a record.

        Args:
            record: Of the logger of a run.

        Returns:
            Whether it is shown.
        """
        text = record.getMessage()
        if record.levelno > logging.INFO:
            return not text.startswith(_NOT_FOR_USERS)
        self.running = self.running or text.startswith('Epoch')
        return '\n' not in text and (self.running or record.pathname.startswith(_PACKAGE))


def shorten_screen(logger: logging.Logger) -> None:
    """Add the filter to the handlers of a logger that write to a terminal.

    Args:
        logger: Of a run.
    """
    for handler in logger.handlers:
        shown = isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler)
        if shown and not any(isinstance(present, ScreenFilter) for present in handler.filters):
            handler.addFilter(ScreenFilter())
