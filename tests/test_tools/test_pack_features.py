"""pack_features.py as users run it, training from what it writes, and the benchmark of stores."""

import json
import sys

import numpy as np
import pytest
from run_helpers import REPO, assert_same, load, run_tool

from mmvmr.datasets.stores.packed_store import Pack

sys.path[:0] = [str(REPO / 'tools' / 'analysis_tools'), str(REPO / 'tools' / 'dataset_converters')]
import benchmark_stores  # noqa: E402
import pack_features  # noqa: E402

CONFIG = """
_base_ = ['{repo}/configs/qd_detr/qd_detr_clip_charades.py']
data_root = '{root}'
model = dict(
    shared=dict(embed_dims=16, num_heads=2, ffn_dims=32), projector=dict(video_dims=8, text_dims=4),
    query_initializer=dict(num_queries=3),
)
_dataset = dict(data_root=data_root, feature_spec=dict(streams=dict(clip=dict(dim=6)), text=dict(dim=4)))
train_dataloader = dict(batch_size=4, num_workers=1, dataset=_dataset)
val_dataloader = dict(dataset=_dataset)
test_dataloader = dict(dataset=_dataset)
train_cfg = dict(max_epochs=1, val_interval=2)
"""


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    """A small model on six videos; the test split is the validation split, as in the base config."""
    root = tmp_path_factory.mktemp('data')
    rng = np.random.default_rng(0)
    rows = []
    for name, shape in (('clip_b32_1fps', (9, 6)), ('minilm_tokens', (5, 4))):
        (root / 'features' / name).mkdir(parents=True)
        for i in range(6):
            file = root / 'features' / name / (f'v{i}.npz' if shape[1] == 6 else f'qid{i}.npz')
            key = 'features' if shape[1] == 6 else 'last_hidden_state'
            np.savez(file, **{key: rng.normal(size=shape).astype(np.float16)})
    for i in range(6):
        rows.append(dict(qid=i, vid=f'v{i}', query=f'word {i}', duration=9.0, relevant_windows=[[1.0, 3.0 + i % 3]]))
    for name, part in (('train', rows[:4]), ('val', rows[4:])):
        (root / f'{name}.jsonl').write_text(''.join(json.dumps(row) + '\n' for row in part))
    path = root / 'config.py'
    path.write_text(CONFIG.format(repo=REPO.as_posix(), root=root.as_posix()))
    return path


@pytest.fixture
def tool(capsys):
    """Run the tool in this process; what it says, and with which exit code."""

    def run(*args, code=0):
        found = 0
        try:
            pack_features.main([*map(str, args)])
        except SystemExit as error:
            found = error.code
        out, err = capsys.readouterr()
        assert found == code, err
        return out + err

    return run


@pytest.mark.slow
def test_training_is_the_same(config, tool, tmp_path):
    text = tool(config, '--out', config.parent / 'packed', '--verify')
    assert 'video.npy: 6 entries of video' in text and 'text.npy: 6 entries of text' in text
    assert '12 entries are as they were packed' in text
    assert "dataset.stores.packed='packed'" in text
    options = [f'{split}_dataloader.dataset.stores.packed=packed' for split in ('train', 'val')]
    for name, more in (('files', ['train_dataloader.num_workers=0']), ('packed', options)):
        run_tool('train.py', config, '--work-dir', tmp_path / name, '--cfg-options', *more, 'randomness.seed=1')
    files, packed = (load(tmp_path / name / 'epoch_1.pth') for name in ('files', 'packed'))
    assert_same(files['state_dict'], packed['state_dict'])


def test_splits_layout_and_precision(config, tool, tmp_path):
    tool(config, '--out', tmp_path, '--splits', 'val', '--as-stored', '--dtype', 'float16')
    pack = Pack(tmp_path)
    assert not pack.ready and list(pack.blocks['clip'].entries) == ['v4', 'v5']
    stored = np.load(config.parent / 'features' / 'clip_b32_1fps' / 'v5.npz')['features']
    np.testing.assert_array_equal(pack.blocks['clip'].rows(dict(vid='v5')).stored(), stored)


def test_again(config, tool, tmp_path):
    tool(config, '--out', tmp_path)
    text = tool(config, '--out', tmp_path, code=2)
    assert 'packed features are here already; use --overwrite, or another --out' in text
    tool(config, '--out', tmp_path, '--overwrite', '--dtype', 'float16')
    assert Pack(tmp_path).blocks['video'].array.dtype == np.float16


def test_folders(config, tool, tmp_path):
    folders = config.parent / 'features'
    sources = [f'clip={folders}/clip_b32_1fps/{{vid}}.npz', f'text={folders}/minilm_tokens/qid{{qid}}.npz']
    text = tool(*sources, '--clip-len', 1, '--out', tmp_path)
    assert 'clip.npy: 6 entries of clip' in text
    pack = Pack(tmp_path)
    assert (pack.spec.clip_len, pack.spec.streams[0].dim, pack.spec.text.dim, pack.ready) == (1.0, 6, 4, False)
    assert 'name of a file with {vid} in a folder that exists' in tool(
        'clip=nothing/{vid}.npz', sources[1], '--clip-len', 1, '--out', tmp_path / 'x', code=2
    )
    assert 'no file has such a name' in tool(
        sources[0].replace('.npz', '.npy'), sources[1], '--clip-len', 1, '--out', tmp_path / 'x', code=2
    )
    assert 'the words as text=' in tool(sources[0], '--clip-len', 1, '--out', tmp_path / 'x', code=2)
    assert not (tmp_path / 'x').exists()


def test_damage_is_found(config, tool, tmp_path):
    tool(config, '--out', tmp_path)
    data = bytearray((tmp_path / 'text.npy').read_bytes())
    data[131] ^= 1
    (tmp_path / 'text.npy').write_bytes(data)
    text = tool('--verify', '--out', tmp_path, code=2)
    assert "text.npy: entry '0' does not have its checksum of index.json; copy the pack again, or pack again" in text
    assert 'no such folder' in tool('--verify', '--out', tmp_path / 'nothing', code=2)


@pytest.mark.parametrize(
    'args, message',
    [
        ([], 'give a config, or streams as NAME=TEMPLATE'),
        (['a={vid}.npz', 'text={qid}.npz'], 'need --clip-len'),
        (['{config}', '--clip-len', '1'], 'says itself what --clip-len is'),
        (['{config}', '{config}'], 'a config comes alone'),
        (['nothing.py'], 'config nothing.py: no such file'),
        (['{config}', '--cfg-options', 'data_root=nothing'], 'no split has an annotation file; correct data_root'),
        (['{config}', '--splits', 'val', '--cfg-options', 'data_root=nothing'], 'val.jsonl: no such file'),
        (
            ['{config}', '--cfg-options', 'train_dataloader.dataset.feature_spec.max_clips=5'],
            'the splits have other feature_specs: pack them one by one with --splits',
        ),
        (
            ['{config}', '--cfg-options', 'train_dataloader.dataset.pipeline.load.type=LoadResampledFeatures'],
            'LoadResampledFeatures works on features before they are normalised: add --as-stored',
        ),
        (
            ['{config}', '--splits', 'train', '--cfg-options', 'train_dataloader.dataset.feature_spec.clip_len=3'],
            'correct feature_spec.clip_len',
        ),
    ],
)
def test_mistakes(config, tool, tmp_path, args, message):
    args = [str(config) if arg == '{config}' else arg for arg in args]
    assert message in tool(*args, '--out', tmp_path / 'out', code=2)
    assert not (tmp_path / 'out' / 'index.json').exists()


def test_all_ways_of_the_benchmark_give_the_same_features(tmp_path):
    benchmark_stores.make_data(tmp_path, 3)
    official = benchmark_stores.OfficialDataset(tmp_path)
    for _, dataset in benchmark_stores.datasets(tmp_path):
        for i in range(3):
            expected, found = official[i], dataset[i]
            video, text = found['inputs']['video'], found['inputs']['text']
            np.testing.assert_allclose(video, expected['video'], rtol=2e-3, atol=1e-6)
            np.testing.assert_allclose(text, expected['text'], rtol=2e-3, atol=1e-6)
            sample = found['data_samples']
            np.testing.assert_allclose(sample.gt_instances.spans, expected['spans'], atol=1e-6)
            np.testing.assert_allclose(sample.gt_saliency, expected['saliency'])


def test_the_benchmark_runs():
    text = run_tool('analysis_tools/benchmark_stores.py', '--items', 6, '--rounds', 1, '--workers', 0, 1)
    assert text.count('| packed, float32 |') == text.count('| official way    |') == 2
    assert 'have to be positive' in run_tool('analysis_tools/benchmark_stores.py', '--items', 0, check=2)
