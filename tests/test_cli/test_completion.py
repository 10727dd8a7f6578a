"""Completion in shells: what argcomplete is answered."""

import os
import subprocess
import sys

import pytest

pytest.importorskip('argcomplete')


@pytest.mark.parametrize(
    ('line', 'expected'),
    [
        ('mmvmr comp', ['compare', 'compose']),
        ('mmvmr train --res', ['--resume']),
        ('mmvmr convert qd_', ['qd_detr ']),
        ('mmvmr browse x --split t', ['train', 'test']),
    ],
)
def test_completion(line, expected, tmp_path):
    out = tmp_path / 'out'
    asked = {'_ARGCOMPLETE': '1', '_ARGCOMPLETE_STDOUT_FILENAME': str(out), '_ARGCOMPLETE_IFS': '\n'}
    env = {**os.environ, **asked, 'COMP_LINE': line, 'COMP_POINT': str(len(line))}
    subprocess.run([sys.executable, '-m', 'mmvmr'], env=env, check=True)
    assert sorted(out.read_text().split()) == sorted(word.strip() for word in expected)
