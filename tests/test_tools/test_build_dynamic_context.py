"""The written split is that of the probe, is found again, continued, and never mixed with another one."""

import json
import runpy

import numpy as np
import pytest
import torch
from mmengine.config import Config
from run_helpers import REPO, run_tool, tiny_config

from mmvmr.datasets import ArrayStore, BaseMomentDataset
from mmvmr.evaluation.robustness import PROBES, predict
from mmvmr.evaluation.robustness_splits import open_split
from mmvmr.structures import FeatureSpec
from mmvmr.utils import read_json, read_jsonl
from mmvmr.utils.setup import register_all_modules

TOOL = 'dataset_converters/build_dynamic_context.py'


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    register_all_modules()
    return tiny_config(tmp_path_factory.mktemp('context'), 'val_dataloader = dict(dataset=dict(num_videos=4))\n')


@pytest.fixture(scope='module')
def built(config):
    out = config.parent / 'built'
    text = run_tool(TOOL, config, '--out', out, '--seed', 3)
    return out, text


class Recorder:
    """Keeps the inputs of every query and answers nothing."""

    def __init__(self):
        self.seen = {}

    def test_step(self, batch):
        for video, text, sample in zip(batch['inputs']['video'], batch['inputs']['text'], batch['data_samples']):
            self.seen[sample.qid] = (video, text, sample)
        return batch['data_samples']


def _inputs(config, split, probe, seed=3):
    recorder = Recorder()
    for _ in predict(recorder, open_split(Config.fromfile(config), split, seed), PROBES[probe]):
        pass
    return recorder.seen


def test_what_is_written(built):
    out, text = built
    rows = read_jsonl(out / 'annotations.jsonl')
    assert f'{len(rows)} queries in {out}' in text
    assert len({row['vid'] for row in rows}) == len(rows)
    for row in rows:
        assert row['source_vid'] in row['vid'] and row['context_vid'] != row['source_vid']
    assert read_json(out / 'build.json')['seed'] == 3
    assert not list(out.rglob('*.tmp*'))


def test_the_split_on_disk_is_the_probe_in_memory(config, built):
    there, here = _inputs(config, f'context={built[0]}', 'plain'), _inputs(config, 'val', 'dynamic_context')
    assert there.keys() == here.keys() and len(here) > 4
    for qid, (video, text, sample) in here.items():
        assert torch.equal(there[qid][0], video) and torch.equal(there[qid][1], text)
        other = there[qid][2]
        assert other.relevant_windows == sample.relevant_windows
        assert (other.duration, other.num_clips) == (sample.duration, sample.num_clips)


def test_moments_stay_and_contexts_go(config, built):
    plain, there = _inputs(config, 'val', 'plain'), _inputs(config, f'context={built[0]}', 'plain')
    for qid, (video, _, sample) in plain.items():
        inside = sample.gt_clips
        assert torch.equal(there[qid][0][inside], video[inside])
        assert not (there[qid][0][~inside, :-2] == video[~inside, :-2]).all(1).any()


def test_it_continues_and_repeats(config, built, tmp_path):
    out = tmp_path / 'again'
    run_tool(TOOL, config, '--out', out, '--seed', 3, '--half')
    written = {path: path.read_bytes() for path in out.rglob('*.npz')}
    gone = sorted(written)[:2]
    for path in gone:
        path.unlink()
    (out / 'dataset.json').unlink()  # as if it had been interrupted
    assert '(2 files new)' in run_tool(TOOL, config, '--out', out, '--seed', 3, '--half')
    for path, content in written.items():
        one, other = np.load(path), built[0] / path.relative_to(out)
        assert path.read_bytes() == content
        assert one['features'].dtype == np.float16
        np.testing.assert_allclose(one['features'], np.load(other)['features'], atol=2e-3)


@pytest.mark.parametrize(
    'options', [['--seed', '4'], ['--seed', '3', '--share', '0.5'], ['--seed', '3', '--limit', '2']]
)
def test_another_build_is_refused(config, built, options):
    before = json.dumps(sorted(str(p) for p in built[0].rglob('*')))
    text = run_tool(TOOL, config, '--out', built[0], *options, check=2)
    assert 'another build is here, it differs in [' in text
    assert json.dumps(sorted(str(p) for p in built[0].rglob('*'))) == before


def test_folders_of_others_are_refused(config, tmp_path):
    (tmp_path / 'mine.txt').write_text('x')
    text = run_tool(TOOL, config, '--out', tmp_path, check=2)
    assert 'the folder is not empty and holds no build.json' in text
    assert [p.name for p in tmp_path.iterdir()] == ['mine.txt']


def test_an_unfinished_folder_is_no_split(config, built, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'dataset\.json'):
        open_split(Config.fromfile(config), f'context={tmp_path}')


def test_a_share_that_is_none(config, tmp_path):
    assert 'share=1.5, expected a number in [0, 1]' in run_tool(
        TOOL, config, '--out', tmp_path / 'x', '--share', 1.5, check=2
    )
    assert not (tmp_path / 'x').exists()  # the next build in it is no other one


def test_clips_behind_the_cut_are_kept(tmp_path):
    """Length and duration still fit then; streams may differ in length."""
    writer_class = runpy.run_path(str(REPO / 'tools' / TOOL))['ContextWriter']
    rng = np.random.default_rng(0)
    arrays = {
        f'{name}/v{i}': rng.normal(size=(n, 2)).astype('f4') for i in (0, 1) for name, n in (('a', 11), ('b', 10))
    }
    arrays['t'] = rng.normal(size=(3, 2)).astype('f4')
    rows = [dict(qid=i, vid=f'v{i}', query=f'query {i}', duration=20.0, relevant_windows=[[4.0, 8.0]]) for i in (0, 1)]
    streams = dict(a=dict(dim=2), b=dict(dim=2))
    spec = FeatureSpec.from_dict(dict(streams=streams, text=dict(dim=2), clip_len=2.0, max_clips=8, tef=False))
    stores = {name: ArrayStore(arrays, f'{name}/{{vid}}') for name in 'ab'}
    pipeline = dict(load=dict(type='LoadMomentFeatures'), pack=dict(type='PackMomentInputs'))
    dataset = BaseMomentDataset(rows, {**stores, 'text': ArrayStore(arrays, 't')}, spec, pipeline)
    new = writer_class(tmp_path, dataset, 1.0, 'float32').write(0)
    for name, length in (('a', 11), ('b', 10)):
        features = np.load(tmp_path / name / f'{new["vid"]}.npz')['features']
        own, other = arrays[f'{name}/v0'], arrays[f'{name}/v1']
        assert len(features) == length
        np.testing.assert_array_equal(features[2:4], own[2:4])
        np.testing.assert_array_equal(features[8:], own[8:])
        for clip in features[[0, 1, 4, 5, 6, 7]]:
            assert (clip == other[:8]).all(1).any()
