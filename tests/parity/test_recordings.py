"""The recorded numbers of the published implementations that are part of every checkout (``tests/data/parity``)."""

import tarfile
from pathlib import Path

import pytest

from mmvmr.conversion import METHODS
from mmvmr.utils.io import read_json
from parity import check_folder
from parity.methods import find_recording

#: Python before 3.11.4 has no filters, and the archives are ours.
SAFELY = {'filter': 'data'} if hasattr(tarfile, 'data_filter') else {}
ARCHIVES = sorted((Path(__file__).parents[1] / 'data' / 'parity').glob('*.tar.xz'))


def _unpacked(archive: Path, target: Path) -> Path:
    with tarfile.open(archive) as content:
        content.extractall(target, **SAFELY)
    (folder,) = target.iterdir()
    return folder


@pytest.mark.parametrize('archive', ARCHIVES, ids=lambda path: path.name.removesuffix('.tar.xz'))
def test_recorded_numbers(archive, tmp_path):
    groups = list(check_folder(_unpacked(archive, tmp_path)))
    assert [(g.name, g.worst, g.where, g.missing) for g in groups if not g.passed] == []
    assert groups


def test_every_method_is_recorded(tmp_path):
    recorded = set()
    for archive in ARCHIVES:
        with tarfile.open(archive) as content:
            member = next(name for name in content.getnames() if name.endswith('/config.json'))
            content.extract(member, tmp_path, **SAFELY)
        recorded.add(find_recording(read_json(tmp_path / member), archive.name).method.name)
    assert recorded == set(METHODS)


def test_recordings_stay_small():
    assert sum(archive.stat().st_size for archive in ARCHIVES) < 8_000_000
