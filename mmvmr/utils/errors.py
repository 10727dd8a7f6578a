"""Mistakes of the user, told in one line; imports nothing heavy."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

#: What a wrong config, data folder or checkpoint raises while things are built.
BUILD_ERRORS = (AssertionError, ImportError, KeyError, OSError, TypeError, ValueError)


class UserError(Exception):
    """A mistake of the user, reported in one line."""


@contextmanager
def one_line_errors(*kinds: type[Exception]) -> Iterator[None]:
    """End the program with one line and exit code 2 where the body raises one of ``kinds``.

    ``MMVMR_TRACEBACK=1`` in the environment keeps the traceback.

    Args:
        *kinds: Exceptions to report in this way; :class:`UserError` always is.
    """
    try:
        yield
    except Exception as error:
        if not isinstance(error, (UserError, *kinds)) or not str(error) or os.environ.get('MMVMR_TRACEBACK') == '1':
            raise
        print(f'error: {describe(error)}', file=sys.stderr, flush=True)
        if not isinstance(error, UserError):
            print('(set MMVMR_TRACEBACK=1 for the traceback)', file=sys.stderr, flush=True)
        sys.exit(2)


def is_full_disk(error: BaseException) -> bool:
    """Check whether a file could not be written for lack of space, or of quota."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def describe(error: BaseException) -> str:
    """One line that says what an exception says, also one that a loading process passed on with its whole traceback."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    if text.startswith('Caught ') and 'Original Traceback' in text:  # torch.utils.data worker
        tail = re.split(r'\n(?=[\w.]+(?:Error|Exception)\b)', text)[-1]
        text = tail.split(': ', 1)[-1]
    if isinstance(error, (FileExistsError, NotADirectoryError)) and error.filename is not None:
        return f'{error.filename}: there is a file where a folder is expected; give another folder'
    text = ' '.join(text.split())
    plain = isinstance(error, (UserError, ValueError, FileNotFoundError)) and text
    return text if plain else f'{type(error).__name__}: {text}'
