"""The version of the code that runs."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path

from mmvmr.version import __version__


def code_version() -> str:
    """The version of mmvmr with the commit of its checkout, and that of torch: ``mmvmr 0.1.0 (1a2b3c4), torch 2.8.0``.

    ``1a2b3c4 + changes`` where files of the checkout differ from the commit; no commit where mmvmr is installed without
    a checkout, or git is not there.
    """
    root = Path(__file__).resolve().parents[2]
    commit = _git(root, 'rev-parse', '--short=7', 'HEAD') if (root / '.git').exists() else ''
    if commit and _git(root, 'status', '--porcelain', '--untracked-files=no'):
        commit += ' + changes'
    return f'mmvmr {__version__}{f" ({commit})" if commit else ""}, torch {version("torch")}'


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(['git', '-C', str(root), *arguments], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ''
    return done.stdout.strip() if done.returncode == 0 else ''
