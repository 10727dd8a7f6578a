"""The surrogate tool, and with its help every data set config from annotation file to batch."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmvmr.preparation.surrogate import HashedWords, StreamLayout, SurrogateWriter, video_features
from mmvmr.structures import FeatureSpec

CONFIGS = [
    *('qvhl', 'qvhl_internvideo2', 'charades_sta', 'charades_internvideo2', 'charades_vgg', 'charades_clip'),
    *('tacos', 'activitynet', 'charades_cd'),
]


def _rows(first=0, count=3):
    return [
        dict(
            qid=first + i,
            vid=f'vid{first + i // 2}',
            query=f'A dog number {i} runs.',
            duration=24.0,
            relevant_windows=[[4.0 * i, 4.0 * i + 8]],
            relevant_clip_ids=list(range(2 * i, 2 * i + 4)),
            saliency_scores=[[1, 2, 3]] * 4,
        )
        for i in range(count)
    ]


def _write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    return str(path)


SCRIPT = Path('tools', 'dataset_converters', 'make_surrogate_features.py')


@pytest.fixture
def tool(repo_dir, capsys):
    """The tool in this process, which spares the start of Python; returns what it prints."""
    spec = importlib.util.spec_from_file_location('make_surrogate_features', repo_dir / SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(*args, ok=True):
        capsys.readouterr()
        if ok:
            module.main([str(a) for a in args])
        else:
            with pytest.raises(SystemExit) as error:
                module.main([str(a) for a in args])
            assert error.value.code == 2
        printed = capsys.readouterr()
        return printed.out if ok else printed.err

    return run


STREAMS = ('--streams', 'slowfast:6', 'clip:4', '--text', '5')


def test_published_layout(tool, tmp_path):
    files = [_write(tmp_path / 'in' / f'{s}.jsonl', _rows(10 * i)) for i, s in enumerate(('train', 'val'))]
    out = tmp_path / 'out'
    assert 'never results' in tool(*files, *STREAMS, '--out', out, '--limit', 3, 2)
    assert {p.name for p in (out / 'slowfast_features').iterdir()} == {'vid0.npz', 'vid1.npz', 'vid10.npz'}
    video, text = np.load(out / 'clip_features/vid0.npz'), np.load(out / 'clip_text_features/qid2.npz')
    assert (video['features'].shape, video['features'].dtype) == ((12, 4), np.float16)
    assert text['last_hidden_state'].shape == (5, 5)
    assert text['pooler_output'].shape == (5,)
    spec = FeatureSpec.from_dict(json.loads((out / 'feature_spec.json').read_text()))
    assert spec.surrogate
    assert [s.name for s in spec.streams] == ['slowfast', 'clip']
    assert len((out / 'val.jsonl').read_text().splitlines()) == 2


def test_resumes_and_gives_the_same_files(tool, tmp_path):
    file = _write(tmp_path / 'in' / 'train.jsonl', _rows())
    a, b = tmp_path / 'a', tmp_path / 'b'
    tool(file, *STREAMS, '--out', a)
    tool(file, *STREAMS, '--out', b)
    lost = a / 'clip_features/vid1.npz'
    kept = (a / 'clip_features/vid0.npz').stat().st_mtime_ns
    lost.unlink()
    assert '1 files written' in tool(file, *STREAMS, '--out', a)
    assert (a / 'clip_features/vid0.npz').stat().st_mtime_ns == kept
    np.testing.assert_array_equal(*(np.load(d / 'clip_features/vid1.npz')['features'] for d in (a, b)))
    assert not list(a.rglob('*tmp*'))


def test_never_mixes_with_other_features(tool, tmp_path):
    file, out = _write(tmp_path / 'in' / 'train.jsonl', _rows()), tmp_path / 'out'
    _write(out / 'clip_features' / 'vid0.npz', [])
    assert 'not marked as surrogate' in tool(file, *STREAMS, '--out', out, ok=False)
    (out / 'clip_features' / 'vid0.npz').unlink()
    tool(file, *STREAMS, '--out', out)
    assert 'other features are here: streams' in tool(file, '--streams', 'c:4', '--text', 5, '--out', out, ok=False)
    other = _write(tmp_path / 'other' / 'train.jsonl', _rows(5))
    assert 'another annotation file' in tool(other, *STREAMS, '--out', out, ok=False)


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['--streams', 'clip', '--text', 5], 'expected NAME:DIM'),
        (['--text', 5], 'give --streams'),
        ([*STREAMS, '--limit', 1, 2, 3], '--limit has 3 numbers for 1 files'),
    ],
)
def test_bad_options(tool, tmp_path, args, message):
    file = _write(tmp_path / 'train.jsonl', _rows())
    assert message in tool(file, *args, '--out', tmp_path / 'out', ok=False)


def test_from_the_command_line(repo_dir, tmp_path):
    file = _write(tmp_path / 'train.jsonl', _rows())
    env = {**os.environ, 'PYTHONPATH': str(repo_dir), 'OMP_NUM_THREADS': '1'}
    config = repo_dir / 'configs' / 'qd_detr' / 'qd_detr_qvhl.py'
    command = [sys.executable, str(repo_dir / SCRIPT), file, '--config', str(config), '--out', str(tmp_path / 'out')]
    result = subprocess.run(command, capture_output=True, text=True, env=env)
    assert result.returncode == 0, result.stderr
    assert '7 files written' in result.stdout
    assert not result.stderr  # progress is for terminals


def test_bad_annotation_names_the_line(tool, tmp_path):
    file = _write(tmp_path / 'train.jsonl', [*_rows(), dict(_rows()[0], qid=9, query='')])
    assert 'train.jsonl:4: qid 9' in tool(file, *STREAMS, '--out', tmp_path / 'out', ok=False)


@pytest.mark.parametrize('vid', ['../../victim', '/victim', 'a\\victim', 'a\0b'])
def test_writes_nothing_outside_of_its_folder(tool, tmp_path, vid):
    source = _write(tmp_path / 'a.jsonl', [dict(_rows()[0], vid=vid)])
    victim = tmp_path / 'victim.npz'
    victim.write_bytes(b'precious')
    out = tmp_path / 'out'
    message = tool(source, *STREAMS, '--out', out, '--overwrite', ok=False)
    assert 'a.jsonl:1: qid 0: vid is ' in message
    assert victim.read_bytes() == b'precious'
    assert not out.exists()


def test_the_writer_checks_names_itself(tmp_path):
    spec = FeatureSpec.from_dict(dict(streams=dict(clip=dict(dim=8)), text=dict(dim=8), clip_len=1.0))
    layouts = [StreamLayout('clip', 8, '{vid}.npz')], StreamLayout('text', 8, '{qid}.npz')
    writer = SurrogateWriter(tmp_path / 'out', spec, *layouts)
    row = dict(_rows()[0], vid='../v', qid='../q')
    with pytest.raises(ValueError, match=r"'\.\./v\.npz' cannot be the name"):
        writer.write_video([row])
    with pytest.raises(ValueError, match=r"'\.\./q\.npz' cannot be the name"):
        writer.write_text(row)
    assert list(tmp_path.iterdir()) == []
    writer.write_video([dict(row, vid='cam1/v')])
    assert (tmp_path / 'out' / 'cam1' / 'v.npz').is_file()


def test_clips_carry_the_words_of_their_queries():
    words = HashedWords('clip', 256)
    rows = _rows()[:1]
    features = video_features(rows, words, clip_len=2.0).astype(np.float32)
    score = features @ words(['dog'])[0]
    assert score[:4].min() > score[4:].max()


@pytest.mark.parametrize('name', CONFIGS)
def test_every_data_set_config_reads_its_layout(tool, tmp_path, repo_dir, name):
    path = repo_dir / 'configs' / '_base_' / 'datasets' / f'{name}.py'
    config = Config.fromfile(path)
    loaders = [config[f'{split}_dataloader'] for split in ('train', 'val', 'test')]
    files = list(dict.fromkeys(loader.dataset.ann_file for loader in loaders))
    sources = [_write(tmp_path / 'in' / file, _rows(10 * i)) for i, file in enumerate(files)]
    tool(*sources, '--config', path, '--out', tmp_path / 'data')
    init_default_scope('mmvmr')
    for loader in loaders:
        loader.dataset.data_root = str(tmp_path / 'data')
        loader.update(num_workers=0, persistent_workers=False)
        built = Runner.build_dataloader(loader, seed=0)
        spec = built.dataset.feature_spec
        assert spec.surrogate
        (batch,) = list(built)
        assert len(batch['data_samples']) == 3
        assert {v.shape[1] for v in batch['inputs']['video']} == {spec.video_dim}
        assert {t.shape[1] for t in batch['inputs']['text']} == {spec.text_dim}
        assert all(len(s.gt_instances.spans) == 1 for s in batch['data_samples'])


@pytest.mark.parametrize('name', [*CONFIGS, 'synthetic'])
def test_configs_leave_no_key_without_effect(repo_dir, name):
    config = Config.fromfile(repo_dir / 'configs' / '_base_' / 'datasets' / f'{name}.py')
    loaders, evaluators = (
        {f'{s}_{kind}' for s in splits}
        for splits, kind in ((('train', 'val', 'test'), 'dataloader'), (('val', 'test'), 'evaluator'))
    )
    assert set(config) - {'robustness', 'stores', 'extraction'} == {
        'data_root',
        'feature_spec',
        *loaders,
        *evaluators,
    }  # these are optional
    assert {config[loader].dataset.data_root for loader in loaders} == {config.data_root}
