"""Indexing a folder and ranking its videos, with features written by hand instead of networks."""

import shutil
from dataclasses import astuple

import numpy as np
import pytest

from mmvmr.apis import MomentFinder
from mmvmr.apis.folders import encode_videos
from mmvmr.apis.zero_shot import zero_shot_model
from mmvmr.cli.main import main
from mmvmr.features.spec import ExtractionSpec
from mmvmr.search import Collection, search
from mmvmr.search.ranking import mean_clip, video_scores
from mmvmr.utils.setup import register_all_modules

SPEC = ExtractionSpec.from_config(
    dict(
        feature_spec=dict(streams=dict(toy=dict(dim=3)), text=dict(dim=3), clip_len=1.0),
        extractors=dict(toy=dict(type='Unused'), text=dict(type='Unused')),
    )
)
DOG, CAT, SKY = np.eye(3, dtype=np.float32)
CONTENT = {
    'dog.mp4': [SKY, SKY, DOG, DOG, DOG, SKY],
    'sub/cat.mp4': [SKY, CAT, CAT, CAT, SKY, SKY],
    'sky.mp4': [SKY] * 4,
}


class ToyFinder(MomentFinder):
    """Reads what a video shows from the table above; the file holds its name."""

    encoded = 0

    def __init__(self):
        register_all_modules()
        super().__init__(zero_shot_model(SPEC), device='cpu', max_moments=3)
        self.encoder.extractors = {}
        self.encoder._text = {'a dog': DOG[None], 'a cat': CAT[None], 'the sky': SKY[None]}


@pytest.fixture
def finder(monkeypatch):
    class Reader:
        def __init__(self, path):
            self.name = path.read_text()
            if self.name not in CONTENT:
                raise ValueError(f'{path}: is no video')
            self.duration = float(len(CONTENT[self.name]))

    def extract(reader, extractors, device):
        ToyFinder.encoded += 1
        return {'toy': np.stack(CONTENT[reader.name])}

    monkeypatch.setattr('mmvmr.apis.feature_encoder.VideoReader', Reader)
    monkeypatch.setattr('mmvmr.apis.feature_encoder.extract_video', extract)
    ToyFinder.encoded = 0
    return ToyFinder()


@pytest.fixture
def videos(tmp_path):
    folder = tmp_path / 'videos'
    for name in CONTENT:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_an_index_is_brought_up_to_date(finder, videos, tmp_path):
    (videos / 'broken.mp4').write_text('broken')
    report = Collection(tmp_path / 'index', finder).update(videos)
    assert sorted(report.added) == sorted(CONTENT) and list(report.failed) == ['broken.mp4']
    assert 'is no video' in report.failed['broken.mp4']

    (videos / 'broken.mp4').unlink()
    (videos / 'sky.mp4').unlink()
    again = Collection(tmp_path / 'index', finder)
    assert len(again) == 3
    report = again.update(videos)
    assert (report.added, report.removed, report.failed) == ([], ['sky.mp4'], {})
    assert sorted(report.unchanged) == ['dog.mp4', 'sub/cat.mp4'] and ToyFinder.encoded == 3

    entry = again.entries['dog.mp4']
    (tmp_path / 'index/features' / entry['key'] / 'toy.npy').write_bytes(b'damaged')
    assert Collection(tmp_path / 'index', finder).update(videos).added == ['dog.mp4']


def test_a_killed_update_goes_on(finder, videos, tmp_path, monkeypatch):
    def stop(*args):
        yield from encode_videos(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr('mmvmr.search.collection.encode_videos', stop)
    with pytest.raises(KeyboardInterrupt):
        Collection(tmp_path / 'index', finder).update(videos)
    monkeypatch.undo()
    (tmp_path / 'index/videos.jsonl').open('a').write('{"name": "half')  # the line at hand
    again = Collection(tmp_path / 'index', ToyFinder())
    assert sorted(again.entries) == sorted(CONTENT)


def test_shards_share_the_videos(finder, videos, tmp_path):
    parts = [Collection(tmp_path / 'index', finder).update(videos, (i, 2)).added for i in range(2)]
    assert sorted(parts[0] + parts[1]) == sorted(CONTENT) and len(parts[0]) == 2
    assert sorted(Collection(tmp_path / 'index', finder).entries) == sorted(CONTENT)
    assert Collection(tmp_path / 'index', finder).update(videos, (0, 2)).unchanged == parts[0]
    report = Collection(tmp_path / 'index', finder).update(videos)
    assert sorted(report.unchanged) == sorted(CONTENT) and not report.added and ToyFinder.encoded == 3
    assert not list((tmp_path / 'index').glob('videos.part-*'))
    assert sorted(Collection(tmp_path / 'index', finder).entries) == sorted(CONTENT)


@pytest.mark.parametrize('parts', [1, 2])
def test_a_shard_removes_what_is_gone_from_all_lists(finder, videos, tmp_path, parts):
    for i in range(parts):  # the list of the whole folder, or those of two parts
        Collection(tmp_path / 'index', finder).update(videos, (i, parts))
    (videos / 'sky.mp4').unlink()
    (videos / 'dog.mp4').write_text('broken')
    assert Collection(tmp_path / 'index', finder).gone() == ['sky.mp4']
    failed = {}
    for i in range(2):
        report = Collection(tmp_path / 'index', finder).update(videos, (i, 2))
        assert report.removed == ([] if i else ['sky.mp4'])
        failed.update(report.failed)
        assert 'sky.mp4' not in Collection(tmp_path / 'index', finder).entries
    assert list(failed) == ['dog.mp4']
    left = Collection(tmp_path / 'index', finder)
    assert list(left.entries) == ['sub/cat.mp4'] and left.gone() == []


def test_a_search_tells_of_videos_that_are_gone(finder, videos, tmp_path, monkeypatch, capsys):
    Collection(tmp_path / 'index', finder).update(videos)
    (videos / 'sky.mp4').unlink()
    monkeypatch.setattr('mmvmr.cli.search.build_finder', lambda args: finder)
    assert main(['search', str(tmp_path / 'index'), 'a dog']) == 0
    error = capsys.readouterr().err
    assert f'1 of 3 videos of {tmp_path / "index"} are not in {videos} any more (first: sky.mp4)' in error


def test_the_right_video_and_moment_come_first(finder, videos, tmp_path):
    collection = Collection(tmp_path / 'index', finder)
    collection.update(videos)
    cat, dog = search(collection, ['a cat', 'a dog'], top=1)
    assert cat.hits[0].name == 'sub/cat.mp4' and cat.videos[0][0] == 'sub/cat.mp4'
    assert (cat.hits[0].moment.start, cat.hits[0].moment.end) == (1.0, 4.0)
    assert dog.hits[0].moment.start == 2.0 and len(dog.hits) == 1 and len(dog.videos) == 3


def test_sentences_share_the_videos(finder, videos, tmp_path, monkeypatch):
    """Two videos for each of three sentences: one is asked by two of them, one by all three, one by a single one."""
    collection = Collection(tmp_path / 'index', finder)
    collection.update(videos)
    sentences, options = ['a cat', 'a dog', 'the sky'], {'candidates': 2, 'top': 2, 'per_video': 1}
    apart = [next(iter(search(collection, [sentence], **options))) for sentence in sentences]
    calls, find_all = [], finder.find_all

    def counted(asked, *queries, tokens):
        asked = list(asked)
        calls.append((len(asked), len(queries)))
        return find_all(asked, *queries, tokens=tokens)

    monkeypatch.setattr(finder, 'find_all', counted)
    together = list(search(collection, sentences, **options))
    assert calls == [(1, 2), (1, 3), (1, 1)]
    for one, two in zip(apart, together, strict=True):
        assert [hit.name for hit in one.hits] == [hit.name for hit in two.hits]
        np.testing.assert_allclose([hit.score for hit in one.hits], [hit.score for hit in two.hits], rtol=1e-6)
        for a, b in zip(one.hits, two.hits, strict=True):
            np.testing.assert_allclose(astuple(a.moment), astuple(b.moment), rtol=1e-5)


def test_another_model_is_refused(finder, videos, tmp_path):
    Collection(tmp_path / 'index', finder).update(videos)
    index = tmp_path / 'index/index.json'
    index.write_text(index.read_text().replace(_digest(finder), 'f' * 12))
    with pytest.raises(ValueError, match=r"holds features of \['toy'\].*use another index folder"):
        Collection(tmp_path / 'index', finder)
    shutil.rmtree(videos)
    with pytest.raises(FileNotFoundError, match='no such folder of videos'):
        Collection(tmp_path / 'new', finder).update(videos)


def _digest(finder):
    from mmvmr.apis.feature_cache import FeatureCache

    return FeatureCache(finder.encoder.cache_dir, SPEC).spec_digest


def test_video_scores_by_hand():
    # Centred by (0, 1): the first video is (1, 0), (1, 0), (0, -1), the best mean of two neighbours is 1.
    clips = {'a': np.array([[1.0, 1], [1, 1], [0, 0]]), 'b': np.array([[0.0, 2]])}
    scores = video_scores(np.array([[2.0, 0], [0, -1]]), clips.items(), np.array([0.0, 1.0]), smooth=2)
    assert {name: values.tolist() for name, values in scores.items()} == {'a': [1.0, 0.5], 'b': [0.0, -1.0]}
    np.testing.assert_allclose(mean_clip(clips.items()), [(2 / 3 + 0) / 2, (2 / 3 + 2) / 2])
    with pytest.raises(ValueError, match='holds no video'):
        mean_clip([])


def test_order_of_moments(finder, videos, tmp_path):
    """By the video first, or by exp(weight x video score) x moment score, worked out here for the hits that come."""
    collection = Collection(tmp_path / 'index', finder)
    collection.update(videos)
    [plain] = search(collection, ['a dog'], per_video=3)
    assert [hit.score for hit in plain.hits] == [hit.video_score for hit in plain.hits]
    assert plain.hits[0].name == 'dog.mp4'
    scores = [hit.moment.score for hit in plain.hits if hit.name == 'dog.mp4']
    assert scores == sorted(scores, reverse=True)
    [weighted] = search(collection, ['a dog'], per_video=3, video_weight=2.0)
    expected = sorted((np.exp(2 * hit.video_score) * max(hit.moment.score, 1e-6) for hit in plain.hits), reverse=True)
    np.testing.assert_allclose(np.exp([hit.score for hit in weighted.hits]), expected)
    [one] = search(collection, ['a dog'], per_video=1, candidates=2, top=2)
    assert len({hit.name for hit in one.hits}) == len(one.hits) <= 2
