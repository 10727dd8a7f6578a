"""The version of the code, in a checkout and without one."""

import re
import subprocess
from importlib.metadata import version

import pytest

from mmvmr.utils import code_version as module


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    file = tmp_path / 'mmvmr' / 'utils' / 'code_version.py'
    file.parent.mkdir(parents=True)
    file.touch()
    monkeypatch.setattr(module, '__file__', str(file))
    return tmp_path


def git(folder, *arguments):
    who = ['-c', 'user.name=A', '-c', 'user.email=a@example.org']
    return subprocess.run(['git', '-C', folder, *who, *arguments], capture_output=True, text=True, check=True).stdout


def test_commit_and_changes(checkout):
    plain = f'mmvmr {module.__version__}, torch {version("torch")}'
    assert module.code_version() == plain
    git(checkout, 'init')
    assert module.code_version() == plain  # nothing is committed
    (checkout / 'file').write_text('1')
    git(checkout, 'add', 'file')
    git(checkout, 'commit', '-m', 'first')
    commit = git(checkout, 'rev-parse', 'HEAD')[:7]
    assert re.fullmatch('[0-9a-f]{7}', commit)
    assert module.code_version() == plain.replace(',', f' ({commit}),')
    (checkout / 'other').touch()  # not of the code
    assert module.code_version() == plain.replace(',', f' ({commit}),')
    (checkout / 'file').write_text('2')
    assert module.code_version() == plain.replace(',', f' ({commit} + changes),')


def test_without_git(checkout, monkeypatch):
    (checkout / '.git').mkdir()
    monkeypatch.setenv('PATH', '')
    assert module.code_version() == f'mmvmr {module.__version__}, torch {version("torch")}'
