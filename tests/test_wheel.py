"""The wheel alone, in an empty folder: configs and tools come with it, and the command works."""

import importlib.util
import os
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
FOLDERS = ('mmvmr', 'configs', 'tools', 'projects', 'requirements')
FILES = ('setup.py', 'pyproject.toml', 'README.md', 'model-index.yml')
TINY = [
    'train_dataloader.batch_size=4',
    'train_dataloader.dataset.num_videos=3',
    'val_dataloader.dataset.num_videos=2',
    'test_dataloader.dataset.num_videos=2',
    'model.shared.embed_dims=32',
    'model.shared.ffn_dims=64',
    'model.shared.num_heads=4',
    'train_cfg.max_epochs=1',
    'train_cfg.val_interval=1',
]


def pip(*arguments, cwd):
    command = [sys.executable, '-m', 'pip', '--disable-pip-version-check', *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope='module')
def site(repo_dir, tmp_path_factory):
    """A folder with nothing but what the wheel installs."""
    if importlib.util.find_spec('setuptools') is None:
        pytest.skip('setuptools is absent')
    folder = tmp_path_factory.mktemp('wheel')
    source = folder / 'source'  # a copy, because setuptools builds inside of it
    source.mkdir()
    for name in FOLDERS:
        shutil.copytree(repo_dir / name, source / name, ignore=shutil.ignore_patterns('__pycache__', '*.egg-info'))
    for name in FILES:
        shutil.copy(repo_dir / name, source / name)
    options = ('--no-deps', '--no-index', '--quiet')
    pip('wheel', '.', '--no-build-isolation', *options, '-w', folder, cwd=source)
    (wheel,) = folder.glob('*.whl')
    pip('install', *options, '--target', folder / 'site', wheel, cwd=folder)
    return folder / 'site'


@pytest.fixture
def mmvmr(site, tmp_path):
    """Runs the command in an empty folder; returns what it printed."""

    def mmvmr(*words, code=0, **env):
        done = subprocess.run(
            [sys.executable, '-m', 'mmvmr', *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, 'PYTHONPATH': str(site), 'OMP_NUM_THREADS': '1', **env},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    mmvmr.site = site
    return mmvmr


def test_help_and_names(mmvmr, site):
    assert 'mmvmr find holiday.mp4' in mmvmr('find', '--help')
    assert 'sa_detr_synthetic' in mmvmr('config', '--names').splitlines()
    found = mmvmr('config', 'sa_detr_qvhl', '--model', '--depth', 1)
    assert found.startswith('model = dict(') and "type='MomentDetector'" in found
    assert (site / 'bin' / 'mmvmr').is_file() and (site / 'mmvmr' / 'py.typed').is_file()
    assert 'near names of shipped configs: sa_detr_qvhl' in mmvmr('train', 'sa_detr_qvh', code=2)


def test_training_by_name(mmvmr, tmp_path):
    text = mmvmr('train', 'sa_detr_synthetic', '--work-dir', 'work', '--cfg-options', *TINY)
    assert (tmp_path / 'work' / 'epoch_1.pth').is_file(), text
    text = mmvmr('test', 'sa_detr_synthetic', 'work/epoch_1.pth', '--work-dir', 'work', '--cfg-options', *TINY)
    assert 'MR-full-mAP' in text
    assert [path.name for path in tmp_path.iterdir()] == ['work']


def test_a_new_project(mmvmr, tmp_path):
    mmvmr('new', 'dog_finder')
    path = os.pathsep.join([str(tmp_path / 'dog_finder'), str(mmvmr.site)])
    options = ['train_dataloader.dataset.num_videos=3', 'val_dataloader.dataset.num_videos=2', *TINY[4:]]
    config = 'dog_finder/configs/gated_synthetic.py'
    mmvmr('train', config, '--work-dir', 'work', '--cfg-options', *options, PYTHONPATH=path)
    assert (tmp_path / 'work' / 'epoch_1.pth').is_file()
    command = [sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'dog_finder/tests']
    env = {**os.environ, 'PYTHONPATH': path}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and '1 passed' in done.stdout, done.stdout + done.stderr
