"""Folders of videos: several processes, resumable, errors of one video never lose the others; job arrays."""

import argparse
import os
from pathlib import Path

import numpy as np
import pytest
import submitit
from test_features.painted import write_video

from mmvmr.apis import MomentFinder
from mmvmr.apis.folders import encode_videos
from mmvmr.apis.zero_shot import zero_shot_model
from mmvmr.cli.index import IndexJob
from mmvmr.cli.main import main
from mmvmr.features import jobs
from mmvmr.features.spec import ExtractionSpec

SPEC = ExtractionSpec.from_config(
    dict(
        custom_imports=dict(imports=['test_features.toys']),
        feature_spec=dict(streams=dict(number=dict(dim=2)), text=dict(dim=2), clip_len=1.0),
        extractors=dict(number=dict(type='NumberExtractor', frames_per_clip=2), text=dict(type='LetterExtractor')),
    )
)


@pytest.fixture
def videos(tmp_path):
    """Three videos of 2, 3 and 4 s with a frame every half second, and one that is none."""
    folder = tmp_path / 'videos'
    (folder / 'in').mkdir(parents=True)
    for name, seconds in (('a.mp4', 2), ('in/b.mp4', 3), ('c.mp4', 4)):
        write_video(folder / name, np.arange(2 * seconds) / 2, seconds)
    (folder / 'broken.mp4').write_bytes(b'no video')
    return folder


@pytest.fixture
def finder(tmp_path):
    return MomentFinder(zero_shot_model(SPEC), device='cpu', cache_dir=tmp_path / 'cache')


def test_a_folder_is_encoded_once(finder, videos, monkeypatch):
    folder = finder.encode_folder(videos)
    assert list(folder) == ['a.mp4', 'c.mp4', 'in/b.mp4'] and list(folder.failed) == ['broken.mp4']
    assert 'cannot be opened as a video' in folder.failed['broken.mp4']
    np.testing.assert_array_equal(folder['in/b.mp4'].streams['number'], [[0, 1], [2, 3], [4, 5]])
    assert folder['c.mp4'].duration == 4 and folder['c.mp4'].path == videos / 'c.mp4'
    assert [len(finder.encode_folder(videos, shard=(part, 2))) for part in range(2)] == [2, 1]
    monkeypatch.setattr('mmvmr.apis.feature_encoder.extract_video', None)  # nothing is made again
    assert len(finder.encode_folder(videos)) == 3
    with pytest.raises(FileNotFoundError, match=r'no video below this folder'):
        finder.encode_folder(finder.encoder.cache_dir)


def test_a_folder_is_asked_as_it_is(finder, videos):
    folder = finder.encode_folder(videos)
    assert [answers.name for answers in finder.find_all(folder, 'ab')] == ['a.mp4', 'c.mp4', 'in/b.mp4']


def test_a_script_without_a_guard_is_told(monkeypatch):
    """Its new processes run it again up to the call."""
    monkeypatch.setattr(jobs.multiprocessing.current_process(), '_inheriting', True, raising=False)
    with pytest.raises(SystemExit, match="if __name__ == '__main__'"):
        next(jobs.run_tasks([], None))


def test_a_full_disk_ends_the_run(finder, videos, monkeypatch):
    def fail(*_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(np, 'save', fail)
    with pytest.raises(OSError, match='No space left'):
        finder.encode_folder(videos)
    assert not list(finder.encoder.cache_dir.iterdir())


@pytest.mark.slow
def test_processes_do_the_same(finder, videos, tmp_path, monkeypatch):
    monkeypatch.setenv('PYTHONPATH', f'{Path(__file__).parents[1]}{os.pathsep}{os.environ.get("PYTHONPATH", "")}')
    folder = finder.encode_folder(videos, jobs=2)
    assert list(folder) == ['a.mp4', 'c.mp4', 'in/b.mp4'] and list(folder.failed) == ['broken.mp4']
    other = MomentFinder(zero_shot_model(SPEC), device='cpu', cache_dir=tmp_path / 'other').encode_folder(videos)
    assert other.failed == folder.failed
    for name in folder:
        assert folder.entries[name] == other.entries[name]
        np.testing.assert_array_equal(folder[name].streams['number'], other[name].streams['number'])


class DyingStore:
    """Ends the process without a word when it gets to a video of a given name."""

    spec = SPEC

    def __init__(self, deadly):
        self.deadly = deadly

    def find(self, task):
        if task.vid in self.deadly:
            os._exit(9)
        return {'vid': task.vid}


def _outcomes(deadly, names):
    tasks = [jobs.Task(name, Path(name), ()) for name in names]
    settings = jobs.Settings(DyingStore(deadly), jobs=2)
    return {outcome.task.vid: outcome.error for outcome in jobs.run_tasks(tasks, settings)}


@pytest.mark.slow
def test_a_process_that_dies_loses_its_own_video_only(monkeypatch):
    monkeypatch.setenv('PYTHONPATH', f'{Path(__file__).parents[1]}{os.pathsep}{os.environ.get("PYTHONPATH", "")}')
    outcomes = _outcomes('b', 'abc')
    assert sorted(outcomes) == list('abc')
    assert [name for name, error in outcomes.items() if error] == ['b']
    assert outcomes['b'].startswith('b: its process died without an error message')
    monkeypatch.setattr(jobs, '_DEATHS', 1)
    with pytest.raises(RuntimeError, match=r'run again with fewer jobs\. In a script'):
        _outcomes('a', 'a')


def test_parts_are_submitted_as_an_array(videos, tmp_path, monkeypatch, capsys):
    tools = tmp_path / 'bin'
    tools.mkdir()
    (tools / 'sbatch').write_text('#!/bin/sh\necho "Submitted batch job 7"\n')
    (tools / 'srun').write_text('#!/bin/sh\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    monkeypatch.setenv('PATH', f'{tools}{os.pathsep}{os.environ["PATH"]}')
    index = tmp_path / 'index'
    assert main(['index', str(videos), '--out', str(index), '--slurm', 'gpu', 'gres=gpu:1', '--parts', '9']) == 0
    assert 'submitted 4 parts as 7_0 ... 7_3' in capsys.readouterr().out
    work = [submitit.SlurmJob(index / 'jobs', f'7_{part}').submission().function for part in range(4)]
    assert all(isinstance(job, IndexJob) for job in work)
    assert [job.args.shard for job in work] == ['0/4', '1/4', '2/4', '3/4']
    assert isinstance(work[0].args, argparse.Namespace) and work[0].args.slurm is None


def test_entries_come_as_they_are_done(finder, videos, tmp_path):
    named = {'b': videos / 'in/b.mp4', 'gone': videos / 'gone.mp4'}
    first, second = encode_videos(finder.encoder, tmp_path / 'cache', named)
    assert (first.name, first.duration, first.clips, first.error) == ('b', 3.0, 3, None)
    assert second.name == 'gone' and 'No such file' in second.error
