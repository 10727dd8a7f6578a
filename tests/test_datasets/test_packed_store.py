"""Packed features are those of the files, wherever they are read."""

import json
import shutil

import numpy as np
import pytest
import torch
from run_helpers import assert_same
from torch.utils.data import DataLoader, Dataset

from mmvmr.datasets import JoinedStore, PackedStore, moment_collate
from mmvmr.datasets.stores import packed_store
from mmvmr.datasets.stores.packed_store import Pack
from mmvmr.models import MomentDataPreprocessor
from mmvmr.structures.padding import PaddedList

from .pack_data import SPEC, open_data, plain, write_data, write_pack


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """The data set with one pack per layout and precision."""
    root = write_data(tmp_path_factory.mktemp('data'))
    dataset = open_data(root)
    for layout in ('ready', 'stored'):
        for dtype in ('float32', 'float16'):
            write_pack(dataset, root / f'{layout}-{dtype}', layout, dtype)
    yield root
    for pack in root.glob('*-float*'):  # no test has written into a file
        assert list(Pack(pack).damaged()) == []


@pytest.mark.parametrize('layout', ['ready', 'stored'])
def test_samples_are_those_of_the_files(root, layout):
    files, packed = open_data(root), open_data(root, f'{layout}-float32')
    assert all(type(store) is PackedStore for store in packed.stores.values())
    assert {len(files[i]['inputs']['video']) for i in range(8)} == {7, 8, 9}
    for i in range(len(files)):
        assert_same(plain(files[i]), plain(packed[i]))


@pytest.mark.parametrize('tef', [True, False])
def test_samples_without_tef(root, tef):
    options = dict(spec=dict(tef=tef), pipeline={} if tef else dict(tef=None))
    files, packed = open_data(root, **options), open_data(root, 'ready-float32', **options)
    assert packed[0]['inputs']['video'].shape == (7, 10 if tef else 8)
    for i in range(len(files)):
        assert_same(plain(files[i]), plain(packed[i]))


@pytest.mark.parametrize('layout', ['ready', 'stored'])
def test_half_precision_changes_vectors_by_its_rounding_alone(root, layout):
    files, packed = open_data(root), open_data(root, f'{layout}-float16')
    for i in range(len(files)):
        expected, found = files[i]['inputs'], packed[i]['inputs']
        assert found['video'].dtype == found['text'].dtype == torch.float32
        for name in ('video', 'text'):
            torch.testing.assert_close(found[name], expected[name], rtol=2**-10, atol=2**-14)
        assert torch.equal(found['video'][:, -2:], expected['video'][:, -2:])  # endpoints are not rounded
    # What was float16 before is not rounded at all.
    if layout == 'stored':
        assert_same(packed[0]['inputs']['text'], files[0]['inputs']['text'])


def test_files_are_half_as_large(root):
    size = {name: (root / f'stored-{name}' / 'a.npy').stat().st_size for name in ('float16', 'float32')}
    header = 128
    assert size['float32'] - header == 2 * (size['float16'] - header) == (8 + 9 + 10 + 11) * 5 * 4


def test_reading_copies_nothing(root):
    store, again = (PackedStore('ready-float32', 'text', root) for _ in range(2))
    row = dict(vid='v1', qid=3)
    tokens = store.read(row)
    assert np.shares_memory(tokens, again.read(row))
    with pytest.raises(ValueError, match='read-only'):
        tokens[0] = 0
    streams = [PackedStore('ready-float32', name, root) for name in 'ab']
    assert [stream.read(row).shape for stream in streams] == [(8, 5), (8, 3)]
    assert all(np.shares_memory(stream.read(row), streams[0].block.array) for stream in streams)


def test_a_sample_may_be_changed(root):
    dataset = open_data(root, 'ready-float32')
    before, sample = plain(open_data(root)[0]), dataset[0]
    sample['inputs']['video'].zero_()
    sample['inputs']['text'].numpy()[:] = 7
    assert_same(plain(dataset[0]), before)
    with torch.no_grad():
        assert not sample['inputs']['video'].any() and (sample['inputs']['text'] == 7).all()


@pytest.mark.parametrize(
    'spec, message',
    [
        (dict(max_clips=8), r'max_clips: 8 \(declared\), 9 \(packed\)'),
        (dict(text=dict(dim=4, max_length=5)), r'text: text\(4, l2, first 5\) \(declared\), text\(4, l2, first 6\)'),
        (dict(streams=dict(b=SPEC['streams']['b'])), r'streams: b\(3, none\) \(declared\), a\(5, l2\) \+ b\(3, none\)'),
        (dict(streams=dict(SPEC['streams'], b=dict(dim=3))), r'b\(3, l2\) \(declared\)'),
        (dict(streams=dict(a=dict(dim=6), b=dict(dim=3))), "stream 'a': dim 6 is declared, the features have 5"),
        (dict(clip_len=1.0), 'clip_len 1.0 s is declared, the features have 2.0 s'),
    ],
)
def test_features_for_another_model_are_refused(root, spec, message):
    with pytest.raises(ValueError, match=rf'(?s)does not fit the features \(.*ready-float32.index.json\): .*{message}'):
        open_data(root, 'ready-float32', spec)


def test_stored_vectors_fit_every_cut_and_choice(root):
    spec = dict(streams=dict(b=dict(dim=3)), text=dict(dim=4, max_length=4), max_clips=5)
    files, packed = open_data(root, spec=spec), open_data(root, 'stored-float32', spec)
    for i in range(len(files)):
        assert_same(plain(files[i]), plain(packed[i]))
    with pytest.raises(ValueError, match=r'clip_len 1\.0 s is declared'):
        open_data(root, 'stored-float32', dict(clip_len=1.0))


def test_surrogates_stay_surrogates(root, tmp_path):
    write_pack(open_data(root, spec=dict(surrogate=True)), tmp_path / 'pack')
    assert open_data(root, str(tmp_path / 'pack')).feature_spec.surrogate
    assert not open_data(root, 'ready-float32').feature_spec.surrogate


def test_durations_are_compared_as_before(root, tmp_path):
    shutil.copytree(root / 'ready-float32', tmp_path / 'pack')
    rows = [json.loads(line) for line in (root / 'train.jsonl').read_text().splitlines()]
    (tmp_path / 'train.jsonl').write_text(json.dumps({**rows[-1], 'duration': 60.0}) + '\n')
    # Of eleven clips ten are in both streams, and nine are left after the cut to max_clips.
    with pytest.raises(ValueError, match=r'10 clips of 2\.0 s cover 20 s, but its duration is 60 s'):
        open_data(tmp_path, 'pack')[0]


def test_missing_entries(root, tmp_path):
    dataset = open_data(root)
    write_pack(dataset, tmp_path / 'pack', rows=dataset.rows[:5])
    with pytest.raises(FileNotFoundError) as error:
        open_data(root, str(tmp_path / 'pack'))
    assert f"stream 'a': 1 missing in {tmp_path / 'pack'}: v3" in str(error.value)
    assert f"stream 'text': 3 missing in {tmp_path / 'pack'}: 5, 6, 7" in str(error.value)
    with pytest.raises(FileNotFoundError, match=r"text\.npy: no entry '7', the features of vid 'v3', qid 7; pack the"):
        PackedStore('pack', 'text', tmp_path).read(dict(vid='v3', qid=7))


def test_damage(root, tmp_path):
    folder = tmp_path / 'pack'
    shutil.copytree(root / 'ready-float32', folder)
    video, index = folder / 'video.npy', folder / 'index.json'
    first = Pack(folder).blocks['video'].entries['v2'].first
    data = bytearray(video.read_bytes())
    data[128 + first * 10 * 4 + 5] ^= 1
    video.write_bytes(data)
    (damage,) = Pack(folder).damaged()
    assert damage.startswith(f"{video}: entry 'v2' does not have its checksum of index.json; copy the pack again")
    with pytest.raises(ValueError, match=r"video\.npy: entry 'v2' does not have its checksum of index.json"):
        open_data(root, str(folder))[4]
    open_data(root, str(folder))[0]
    for other, message in (
        (data[:-1], 'video.npy: not an npy file: '),
        (data + b'0', r'video\.npy: not an npy file: its header claims 1,320 bytes'),
        (b'', 'video.npy: not an npy file: '),
    ):
        video.write_bytes(other)
        with pytest.raises(ValueError, match=message):
            Pack(folder)
    video.unlink()
    with pytest.raises(FileNotFoundError, match=r'video\.npy: this file of the packed features is absent'):
        Pack(folder)
    index.write_text('{"format": 1}')
    with pytest.raises(ValueError, match=r'index.json: not an index of packed features in format 2 \(format: '):
        Pack(folder)
    index.unlink()
    with pytest.raises(FileNotFoundError, match='packing was interrupted'):
        Pack(folder)
    with pytest.raises(FileNotFoundError, match='no such folder'):
        Pack(tmp_path / 'nothing')


def test_arrays_of_another_layout_are_refused(root, tmp_path):
    folder = tmp_path / 'pack'
    shutil.copytree(root / 'ready-float32', folder)
    video = folder / 'video.npy'
    array = np.load(video)
    for other, message in (
        (array.astype(float), 'float64 of shape'),
        (np.asfortranarray(array), 'expected rows of float16 or float32'),
        (array[:-1], r'shape \(32, 10\), expected 33 rows'),
        (array[:, :-1], r'shape \(33, 9\), expected 33 rows with the columns'),
    ):
        np.save(video, other)
        with pytest.raises(ValueError, match=message):
            Pack(folder)


@pytest.mark.parametrize(
    'change, place',
    [
        (lambda block: block.update(file='../video.npy'), 'blocks.video.file'),
        (lambda block: block.update(key='query'), 'blocks.video.key'),
        (lambda block: block.update(more=1), 'blocks.video.more'),
        (lambda block: block['entries'].update(v0=[-1, 7, 0, 7]), r'blocks.video.entries.v0.0'),
        (lambda block: block['entries'].update(v0=[0, 0, 0, 7]), r'blocks.video.entries.v0.1'),
        (lambda block: block['entries'].update(v0=[0, 7, 0]), r'blocks.video.entries.v0'),
        (lambda block: block.update(columns={}), 'blocks.video.columns'),
    ],
)
def test_a_wrong_index_is_refused(root, tmp_path, change, place):
    folder = tmp_path / 'pack'
    shutil.copytree(root / 'ready-float32', folder)
    index = json.loads((folder / 'index.json').read_text())
    change(index['blocks']['video'])
    (folder / 'index.json').write_text(json.dumps(index))
    with pytest.raises(ValueError, match=rf'index.json: not an index of packed features in format 2 \({place}'):
        Pack(folder)


@pytest.mark.parametrize('columns', [dict(a=[0, 5], b=[4, 8]), dict(a=[0, 5], b=[5, 9]), dict(a=[3, 8], b=[0, 3])])
def test_columns_that_do_not_cover_the_rows_are_refused(root, tmp_path, columns):
    folder = tmp_path / 'pack'
    shutil.copytree(root / 'ready-float32', folder)
    index = json.loads((folder / 'index.json').read_text())
    index['blocks']['video']['columns'] = columns
    (folder / 'index.json').write_text(json.dumps(index))
    with pytest.raises(ValueError, match=r'video\.npy: shape .* expected 33 rows with the columns'):
        Pack(folder)


def test_unknown_stream(root):
    with pytest.raises(ValueError, match=r"no stream 'c', the packed ones are \['a', 'b', 'text'\]"):
        PackedStore('ready-float32', 'c', root)


def test_joined_streams_are_not_normalised_twice(root):
    part = dict(type='PackedStore', stream='a')
    joined = JoinedStore(dict(a=dict(part, folder='stored-float32')), str(root))
    assert joined.read(dict(vid='v0', qid=0)).shape == (8, 5)
    with pytest.raises(ValueError, match=r'ready-float32 are normalised; pack them with --as-stored'):
        JoinedStore(dict(a=dict(part, folder='ready-float32')), str(root))


PARTNER = dict(type='RandomVideoSampler')
AUGMENTATIONS = {
    'synthesis': dict(type='SynthesizeVideo', partner=PARTNER),
    'shift': dict(type='ShiftMoment'),
    'shuffle': dict(type='ShuffleClips'),
    'position': dict(type='PositionOnly', view='empty'),
    'swap': dict(type='SwapQuery'),
    'pool': dict(type='PoolClips', max_clips=4),
}


@pytest.mark.parametrize('name', AUGMENTATIONS)
def test_augmentations_see_the_same(root, name):
    pipeline = dict(augment={name: AUGMENTATIONS[name]})
    files, packed = (open_data(root, folder, pipeline=pipeline) for folder in (None, 'ready-float32'))
    changed = 0
    for i in range(len(files)):
        expected, found = (moment_collate([dataset[i]]) for dataset in (files, packed))
        assert_same(plain(expected), plain(found))
        changed += len(expected['data_samples']) > 1 or not torch.equal(
            expected['inputs']['video'][0], open_data(root)[i]['inputs']['video']
        )
    assert changed or name == 'swap'


@pytest.mark.parametrize('augmentation', [dict(type='MaskTargets', mode='mean'), dict(type='ReplaceContext')])
def test_what_changes_stored_vectors_needs_them(root, augmentation):
    pipeline = dict(augment=dict(changed=augmentation))
    files, packed = (open_data(root, folder, pipeline=pipeline) for folder in (None, 'stored-float32'))
    for i in range(len(files)):
        assert_same(plain(files[i]), plain(packed[i]))
    message = r"ready-float32: the streams \['a', 'b'\] were normalised when they were packed.*--as-stored"
    with pytest.raises(ValueError, match=message):
        open_data(root, 'ready-float32', pipeline=pipeline)[0]
    resampled = dict(load=dict(type='LoadResampledFeatures', length=4))
    with pytest.raises(ValueError, match=message):
        open_data(root, 'ready-float32', pipeline=resampled)[0]


def _batches(dataset, **options):
    options = {'num_workers': 0, 'batch_size': 3, **options}
    return DataLoader(dataset, collate_fn=moment_collate, **options)


@pytest.mark.parametrize(
    'start, folder', [('fork', 'ready-float32'), ('fork', 'stored-float16'), ('spawn', 'ready-float32')]
)
def test_loading_processes_send_the_same_batches(root, start, folder):
    pipeline = dict(augment=dict(view=AUGMENTATIONS['shift']))
    packed = open_data(root, folder, pipeline=pipeline)
    expected = [plain(batch) for batch in _batches(packed)]
    if folder == 'ready-float32':
        assert_same([plain(batch) for batch in _batches(open_data(root, pipeline=pipeline))], expected)
    options = dict(num_workers=1 + (start == 'fork'), multiprocessing_context=start, persistent_workers=True)
    loader = _batches(packed, **options)
    for _ in range(2):
        received = list(loader)
        assert_same([plain(batch) for batch in received], expected)
        for batch in received:  # what is written into a batch is seen by nobody else, and not in the next epoch
            for tensor in (*batch['inputs']['video'], *batch['inputs']['text']):
                tensor.fill_(7)


def test_loaders_side_by_side(root):
    packed = open_data(root, 'ready-float32')
    expected = [plain(batch) for batch in _batches(packed)]
    loaders = [_batches(packed, num_workers=1, multiprocessing_context='fork') for _ in range(2)]
    for index, batches in enumerate(zip(*loaders)):
        for batch in batches:
            assert_same(plain(batch), expected[index])
            batch['inputs']['video'][0].fill_(7)
    assert index == 2


def _changed(item, name):
    item['inputs'][name].mul_(2)
    return item


class Changed(Dataset):
    """Samples that are written into after the pipeline."""

    def __init__(self, dataset):
        self.dataset = dataset

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        return _changed(self.dataset[index], 'video')


@pytest.mark.parametrize('folder', [None, 'ready-float32', 'ready-float16'])
def test_what_is_written_into_a_sample_is_sent(root, folder):
    dataset = open_data(root, folder)
    expected = [2 * dataset[i]['inputs']['video'] for i in range(len(dataset))]
    loader = _batches(Changed(dataset), num_workers=1, multiprocessing_context='fork')
    assert_same([video for batch in loader for video in batch['inputs']['video']], expected)


@pytest.mark.parametrize('dtype, dim', [('float32', 10), ('float16', 10)])
def test_padded_batches_are_those_of_the_preprocessor(root, dtype, dim):
    packed = open_data(root, f'ready-{dtype}')
    for here, sent in zip(_batches(packed), _batches(packed, num_workers=1, multiprocessing_context='fork')):
        assert type(here['inputs']['video']) is list and isinstance(sent['inputs']['video'], PaddedList)
        for pad_to in (None, 12):
            expected, received = (MomentDataPreprocessor(pad_to)(batch)['inputs'] for batch in (here, sent))
            assert expected['video'].shape[1:] == (pad_to or max(map(len, here['inputs']['video'])), dim)
            assert_same(received, expected)


def test_a_file_that_is_replaced_while_it_is_in_use_is_noticed(root, tmp_path):
    folder = tmp_path / 'pack'
    shutil.copytree(root / 'ready-float32', folder)
    rows = open_data(root, str(folder)).stores['a'].block.rows(dict(vid='v0'))
    assert rows.with_tef().shape == (7, 10)
    packed_store._mapped.cache_clear()  # as in the training process, which has not read the block yet
    shutil.copyfile(folder / 'video.npy', tmp_path / 'copy')
    (tmp_path / 'copy').replace(folder / 'video.npy')
    with pytest.raises(ValueError, match=r'video\.npy: the file was replaced or removed while it is in use'):
        rows.with_tef()
    (folder / 'video.npy').unlink()
    with pytest.raises(ValueError, match=r'video\.npy: the file was replaced or removed while it is in use'):
        rows.with_tef()
