from pathlib import Path

import pytest

from mmvmr.utils.paths import below, inside

LEADS_OUT = [
    '../x',
    'a/../../x',
    'a/..',
    '/etc/x',
    '//host/x',
    'C:/x',
    'c:x',
    'a\\..\\x',
    'a\0b',
    'a\nb',
    '',
    'a//b',
    './a',
    'a/',
    'x' * 256,
    'x/' + 'é' * 128,  # 256 bytes
    'a\ud800',
]


@pytest.mark.parametrize('name', LEADS_OUT)
def test_names_that_are_no_files_of_the_folder(name, tmp_path):
    with pytest.raises(ValueError, match='cannot be a file in this folder') as error:
        inside(tmp_path, name)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize('name', ['v1', 'cam1/v1', '...', 'a..b', 'Ünïcode 1.npz', '-x', 'at 10:30', 'x' * 255, '~/v1'])
def test_names_of_files(name, tmp_path):
    assert inside(tmp_path, name) == Path(f'{tmp_path}/{name}')


def test_home_folder_in_paths_of_the_user(monkeypatch):
    monkeypatch.setenv('HOME', '/home/me')
    assert below('~/my data', 'clip') == Path('/home/me/my data/clip')
    assert below('data', '~/clip') == Path('/home/me/clip')
    assert below('', 'clip') == Path('clip')
