"""Videos joined from trimmed clips: exact windows, new joins per epoch, nothing that depends on workers."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from torch.utils.data import DataLoader

from mmvmr.datasets import ArrayStore, JoinedVideos, SeededRng, VideoSampler, video_collate
from mmvmr.datasets.joined_rows import TrimmedClip, join_clips
from mmvmr.datasets.stores.parts_store import PartsStore
from mmvmr.utils.io import read_jsonl, write_jsonl

sys.path.insert(0, str(Path(__file__).parents[2]))
from tools.dataset_converters import join_videos

LENGTHS = {'a': 3, 'b': 5, 'c': 2, 'd': 4, 'e': 6, 'f': 3}


def write(root, lengths=LENGTHS):
    """Clips whose every feature says which clip of which video it is: a is 0.., b is 10.., and so on."""
    for folder in ('one', 'two', 'text'):
        (root / folder).mkdir(parents=True)
    for number, (vid, length) in enumerate(lengths.items()):
        values = 10 * number + np.arange(length, dtype=np.float32)
        np.savez(root / f'one/{vid}.npz', features=np.stack((values, values), axis=1))
        np.savez(root / f'two/{vid}.npz', features=values[:, None] + 0.5)
        np.savez(root / f'text/{vid}.npz', features=np.full((2, 4), number, dtype=np.float32))
    clips = [{'vid': vid, 'num_clips': n, 'query': f'this is {vid}'} for vid, n in lengths.items()]
    write_jsonl(root / 'clips.jsonl', clips)
    return clips


def build(root, ann_file='clips.jsonl', **options):
    """The data set in a folder, three parts a join, clips of 2 s, without normalisation or TEF."""
    spec = dict(
        streams=dict(one=dict(dim=2, normalise='none'), two=dict(dim=1, normalise='none')),
        text=dict(dim=4, normalise='none'),
        clip_len=2.0,
        tef=False,
    )
    stores = {name: dict(type='FolderStore', folder=name) for name in ('one', 'two')}
    stores['text'] = dict(type='FolderStore', folder='text', template='{text}.npz')
    pipeline = dict(
        load=dict(type='LoadMomentFeatures'),
        targets=dict(type='BuildMomentTargets', labels=dict(type='MomentLabels')),
        pack=dict(type='PackMomentInputs'),
    )
    options = {'num_videos': 3, 'pipeline': pipeline, **options}
    return JoinedVideos(ann_file, spec, stores, data_root=str(root), **options)


def parts_of(dataset):
    return [row['parts'] for row in dataset.rows]


def test_windows_features_and_sentence_belong_together(tmp_path):
    write(tmp_path)
    dataset = build(tmp_path)
    for index, vid in enumerate(LENGTHS):
        row, item = dataset.rows[index], dataset[index]
        assert row['text'] == vid and row['query'] == f'this is {vid}'
        assert len(set(row['parts'])) == 3
        expected = [10 * list(LENGTHS).index(part) + i for part in row['parts'] for i in range(LENGTHS[part])]
        assert item['inputs']['video'][:, 0].tolist() == expected
        assert item['inputs']['video'][:, 2].tolist() == [value + 0.5 for value in expected]
        assert row['duration'] == 2.0 * len(expected)
        (start, end), clips = row['relevant_windows'][0], item['inputs']['video'][:, 0]
        assert clips[int(start / 2) : int(end / 2)].tolist() == [10 * index + i for i in range(LENGTHS[vid])]
        assert item['data_samples'].gt_clips.sum() == LENGTHS[vid]
        assert (item['inputs']['text'] == index).all()


def test_a_join_by_hand():
    """With two clips and two parts there are two joins: b after a, whose 3 clips of 2 s last 6 s, or before."""
    clips = [TrimmedClip('a', 3, 'this is a'), TrimmedClip('b', 5, 'this is b')]
    rows = [join_clips(clips, 1, 2, 2.0, 'b-0', SeededRng(seed, 0, 0)) for seed in range(20)]
    found = {tuple(row['parts']): row['relevant_windows'] for row in rows}
    assert found == {('a', 'b'): [[6.0, 16.0]], ('b', 'a'): [[0.0, 10.0]]}
    assert {row['duration'] for row in rows} == {16.0}


def test_joins_that_ask_for_one_clip_are_of_one_video(tmp_path):
    """Else the sentence of a clip would be a negative of itself where an epoch has two joins of it."""
    write(tmp_path)
    dataset = build(tmp_path, joins=2)
    numbers = [dataset[index]['data_samples'].clip_vid for index in range(len(dataset))]
    assert numbers == 2 * list(LENGTHS)


def test_the_same_sentence_is_never_context():
    clips = [TrimmedClip(vid, 2, 'the same' if vid in 'ab' else vid) for vid in 'abcd']
    for seed in range(50):
        assert join_clips(clips, 0, 3, 1.0, 'a', SeededRng(seed, 0, 0))['parts'].count('b') == 0


def test_positions_are_uniform(tmp_path):
    write(tmp_path)
    dataset = build(tmp_path)
    places = np.zeros(3)
    for epoch in range(200):
        dataset.set_epoch(epoch)
        for row in dataset.rows:
            places[row['parts'].index(row['text'])] += 1
    # 1200 joins: 400 per place, deviation 16.3.
    assert (abs(places - 400) < 80).all()


def test_epochs_differ_and_come_back(tmp_path):
    write(tmp_path)
    dataset = build(tmp_path)
    first = parts_of(dataset)
    dataset.set_epoch(1)
    second = parts_of(dataset)
    dataset.set_epoch(1, seed=5)
    third = parts_of(dataset)
    dataset.set_epoch(0, seed=0)
    assert parts_of(dataset) == first != second != third
    assert len({row['vid'] for row in dataset.rows}) == 6


def test_features_follow_the_epoch(tmp_path):
    """A video keeps its name from epoch to epoch: what was read for it last must not come back."""
    write(tmp_path)
    dataset = build(tmp_path, limit=4)
    for epoch in range(6):
        dataset.set_epoch(epoch)
        row = dataset.rows[2]
        expected = [10 * list(LENGTHS).index(part) for part in row['parts']]
        clips = dataset[2]['inputs']['video'][:, 0]
        assert [value for value in clips.tolist() if value % 10 == 0] == expected


def test_workers_that_run_already_see_the_epoch(tmp_path):
    write(tmp_path)
    dataset = build(tmp_path, joins=2)
    options = {'batch_size': 3, 'collate_fn': lambda items: [i['data_samples'].annotation['parts'] for i in items]}
    alone, workers = (
        DataLoader(dataset, **options),
        DataLoader(dataset, num_workers=2, persistent_workers=True, **options),
    )
    for epoch in (0, 1, 0):
        dataset.set_epoch(epoch)
        assert list(alone) == list(workers)


def test_joins_of_one_clip_differ_within_an_epoch(tmp_path):
    write(tmp_path)
    dataset = build(tmp_path, joins=4)
    assert len(dataset) == 24
    assert [row['text'] for row in dataset.rows[::6]] == ['a'] * 4
    assert [row['qid'] for row in dataset.rows[::6]] == ['a-0', 'a-1', 'a-2', 'a-3']
    assert len({tuple(row['parts']) for row in dataset.rows[::6]}) > 1


def test_rows_are_a_sequence(tmp_path):
    write(tmp_path)
    rows = build(tmp_path).rows
    assert rows[-1] == rows[5] and len(list(rows)) == 6
    with pytest.raises(IndexError):
        rows[6]


def test_batches_of_videos(tmp_path):
    write(tmp_path)
    dataset = build(tmp_path)
    groups = list(VideoSampler(dataset, seed=0))
    assert sorted(groups) == [(i,) for i in range(6)]
    batch = video_collate([dataset[group] for group in groups])
    assert len(batch['inputs']['video']) == 6


def test_fixed_joins(tmp_path):
    write(tmp_path)
    assert join_videos.main([str(tmp_path / 'clips.jsonl'), '--out', str(tmp_path), '--num-videos', '3', '--joins', '2',
                             '--clip-len', '2']) == 0  # fmt: skip
    rows = read_jsonl(tmp_path / 'joined.jsonl')
    dataset = build(tmp_path, 'joined.jsonl')
    assert len(dataset) == 12 and dataset.rows == rows
    dataset.set_epoch(3)
    assert dataset.rows == rows
    for index, row in enumerate(rows):
        start, end = row['relevant_windows'][0]
        clips = dataset[index]['inputs']['video'][int(start / 2) : int(end / 2), 0]
        first = 10 * list(LENGTHS).index(row['text'])
        assert clips.tolist() == [first + i for i in range(LENGTHS[row['text']])]
    assert build(tmp_path, 'joined.jsonl', indices=[3, 0]).rows == [rows[3], rows[0]]


def test_the_tool_splits_clips(tmp_path, capsys):
    clips = write(tmp_path / 'data')
    command = [str(tmp_path / 'data/clips.jsonl'), '--out', str(tmp_path / 'out'), '--hold-out', '3']
    assert join_videos.main([*command, '--num-videos', '3']) == 0
    assert 'joined.jsonl: 9 joins of 3 clips' in capsys.readouterr().out
    held = {part for row in read_jsonl(tmp_path / 'out/joined.jsonl') for part in row['parts']}
    left = {row['vid'] for row in read_jsonl(tmp_path / 'out/clips.jsonl')}
    assert held | left == {clip['vid'] for clip in clips} and not held & left
    before = (tmp_path / 'out/joined.jsonl').read_bytes()
    assert join_videos.main([*command, '--num-videos', '3']) == 0
    assert (tmp_path / 'out/joined.jsonl').read_bytes() == before


@pytest.mark.parametrize('extra', [['--hold-out', '9'], ['--num-videos', '7'], ['--joins', '0']])
def test_the_tool_refuses(tmp_path, capsys, extra):
    write(tmp_path)
    with pytest.raises(SystemExit) as stop:
        join_videos.main([str(tmp_path / 'clips.jsonl'), '--out', str(tmp_path / 'out'), *extra])
    assert stop.value.code == 2
    assert capsys.readouterr().err.startswith('error: ')
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'num_clips': 0}, "row 1, vid 'a': num_clips is 0, expected the number of feature vectors"),
        ({'num_clips': '3'}, "num_clips is '3'"),
        ({'query': ' '}, "query is ' ', expected the sentence"),
        ({'vid': None}, 'vid is None, expected the name'),
        ({'vid': 'b'}, "row 2, vid 'b': the vid occurs twice"),
    ],
)
def test_bad_clips(tmp_path, change, message):
    clips = write(tmp_path)
    write_jsonl(tmp_path / 'clips.jsonl', [{**clips[0], **change}, *clips[1:]])
    with pytest.raises(ValueError, match=r'clips\.jsonl') as error:
        build(tmp_path)
    assert message in str(error.value)


def test_another_number_of_clips_than_declared(tmp_path):
    """A window would be wrong by as much, without anybody seeing it."""
    clips = write(tmp_path)
    write_jsonl(tmp_path / 'clips.jsonl', [{**clips[0], 'num_clips': 4}, *clips[1:]])
    dataset = build(tmp_path, num_videos=6)
    with pytest.raises(ValueError, match="vid 'a' has 3 clips here, expected 4"):
        dataset[0]


def test_streams_of_different_lengths(tmp_path):
    write(tmp_path)
    np.savez(tmp_path / 'two/b.npz', features=np.zeros((4, 1), dtype=np.float32))
    dataset = build(tmp_path, num_videos=6)
    with pytest.raises(ValueError, match="vid 'b' has 4 clips here, expected 5"):
        dataset[0]


def test_missing_features_are_named(tmp_path):
    write(tmp_path)
    (tmp_path / 'two/c.npz').unlink()
    (tmp_path / 'text/d.npz').unlink()
    with pytest.raises(FileNotFoundError) as error:
        build(tmp_path, num_videos=6)
    assert "stream 'two': 1 missing" in str(error.value) and 'd.npz' in str(error.value)


def test_options_that_cannot_work(tmp_path):
    write(tmp_path)
    with pytest.raises(ValueError, match='6 clips, 1 of them with the sentence'):
        build(tmp_path, num_videos=7)
    with pytest.raises(ValueError, match='at least 2'):
        build(tmp_path, num_videos=1)
    with pytest.raises(ValueError, match='joins=0'):
        build(tmp_path, joins=0)
    with pytest.raises(ValueError, match='indices choose fixed joins'):
        build(tmp_path, indices=[0])
    cached = dict(load=dict(type='LoadMomentFeatures', cache=True), pack=dict(type='PackMomentInputs'))
    with pytest.raises(ValueError, match='would keep all of them in memory'):
        build(tmp_path, pipeline=cached)


@pytest.mark.parametrize(
    ('change', 'message'), [({'text': 'z'}, "text is 'z', expected one of parts"), ({'parts': None}, 'parts is None')]
)
def test_bad_fixed_joins(tmp_path, change, message):
    write(tmp_path)
    clips = [TrimmedClip(vid, n, f'this is {vid}') for vid, n in LENGTHS.items()]
    rows = [join_clips(clips, i, 3, 2.0, f'{i}', SeededRng(0, 0, i)) for i in range(3)]
    (tmp_path / 'fixed.jsonl').write_text('\n'.join(json.dumps(row) for row in (rows[0], {**rows[1], **change})))
    with pytest.raises(ValueError, match='row 2') as error:
        build(tmp_path, 'fixed.jsonl')
    assert message in str(error.value)


def test_parts_are_kept_in_memory():
    reads = []

    class Counting(ArrayStore):
        def read(self, row):
            reads.append(row['vid'])
            return super().read(row)

    arrays = {'a': np.zeros((2, 1)), 'b': np.ones((1, 1))}
    row = {'vid': 'join', 'qid': 0, 'parts': ['a', 'b', 'a']}
    kept, fresh = (PartsStore(Counting(arrays), {}, cache) for cache in (True, False))
    assert kept.read(row).ravel().tolist() == kept.read(row).ravel().tolist() == [0, 0, 1, 0, 0]
    assert reads == ['a', 'b']
    fresh.read(row)
    assert reads == ['a', 'b', 'a', 'b', 'a']
