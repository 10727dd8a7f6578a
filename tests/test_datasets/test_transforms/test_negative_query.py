"""Negative sentences: where they come from, and what happens without one."""

from collections import Counter

import numpy as np
import pytest
from testing import ReplayRng

from mmvmr.datasets import moment_collate
from mmvmr.datasets.samplers.same_video import apart
from mmvmr.datasets.transforms import negative_query


def rows_of(**lists):
    """Three queries of video a (0 and 1 overlap, 2 lies apart), two of b."""
    windows = {0: [[0.0, 6.0]], 1: [[1.0, 6.0]], 2: [[10.0, 16.0]], 3: [[0.0, 4.0]], 4: [[0.0, 4.0], [8.0, 12.0]]}
    rows = [
        dict(qid=qid, vid='a' if qid < 3 else 'b', query=f'query {qid}', duration=20.0, relevant_windows=w)
        for qid, w in windows.items()
    ]
    for name, ids in lists.items():
        rows[int(name[1:])]['neg_query_ids'] = ids
    return rows


@pytest.fixture
def build(make_dataset):
    def make(rows, **options):
        augment = {'negative': dict(type='NegativeQuery', **options)}
        return make_dataset(rows, pipeline=dict(augment=augment))

    return make


def drawn(dataset, index, epochs=60):
    """Ids of the negatives of a sample over many epochs."""
    ids = Counter()
    for epoch in range(epochs):
        dataset.set_epoch(epoch)
        results = dataset.pipeline.augment['negative'](dataset.loaded(index))
        ids[results.get('neg_qid')] += 1
    return ids


def test_mined_negatives(build):
    dataset = build(rows_of(q0=[2, 4]))
    assert set(drawn(dataset, 0)) == {2, 4}
    words = dataset.prepare(0, ReplayRng([dict(fn='sample', pop=[2, 4], k=1, result=[4]), *SALIENCY]))
    np.testing.assert_array_equal(words['inputs']['neg_text'], dataset.loaded(4)['text_feat'])


SALIENCY = (
    dict(fn='sample', pop=[0, 1, 2], k=2, result=[0, 1]),
    dict(fn='sample', pop=[3, 4, 5, 6, 7, 8, 9], k=2, result=[3, 4]),
)


def test_without_a_list_the_moments_decide(build):
    dataset = build(rows_of(), missing='same_video')
    assert set(drawn(dataset, 0)) == {2}
    assert set(drawn(dataset, 2)) == {0, 1}
    assert set(drawn(dataset, 3)) == {None}  # one of the two moments of 4 is its own
    assert 'neg_text' not in dataset[3]['inputs']
    assert set(drawn(build(rows_of(), max_iou=0.9), 0)) == {1, 2}


def test_an_empty_list(build):
    rows = rows_of(q0=[])
    assert set(drawn(build(rows), 0)) == {None}
    assert set(drawn(build(rows, empty='same_video'), 0)) == {2}
    found = drawn(build(rows, empty='other_video'), 0)
    assert set(found) == {3, 4}
    assert min(found.values()) > 10


def test_other_videos(build):
    dataset = build(rows_of(), missing='other_video')
    assert set(drawn(dataset, 4, 200)) == {0, 1, 2}
    assert set(drawn(dataset, 1)) == {3, 4}
    replay = ReplayRng([dict(fn='choice', pop=[3, 4], result=3)])
    assert dataset.pipeline.augment['negative'](dataset.loaded(0, replay))['neg_qid'] == 3


def test_one_video_alone_has_no_other(build):
    assert set(drawn(build(rows_of()[:3], missing='other_video'), 0)) == {None}


def test_none(build):
    assert set(drawn(build(rows_of(), missing='none'), 0)) == {None}


def test_a_batch_with_and_without(build):
    dataset = build(rows_of(), missing='same_video')
    batch = moment_collate([dataset[0], dataset[3]])
    assert [None if words is None else len(words) for words in batch['inputs']['neg_text']] == [6, None]


def test_ids_outside_of_the_data_set(build):
    """As in the official recordings: features are there, the annotation is not."""
    rows = rows_of(q0=[9])
    dataset = build(rows)
    dataset.stores['text'].arrays['t/9'] = np.ones((2, 4), np.float32)
    assert len(dataset[0]['inputs']['neg_text']) == 2

    class Reads:
        where = 'memory'

        def read(self, row):
            return np.ones((len(row['query']), 4), np.float32)

    dataset.stores['text'] = Reads()
    with pytest.raises(ValueError, match=r"neg_query_ids of qid 0 names 9, .*need the annotation \('query'\)"):
        dataset[0]


def test_unmined_annotations_are_announced(build, monkeypatch):
    said = []
    monkeypatch.setattr(negative_query, 'print_log', lambda message, **_: said.append(message))
    build(rows_of(q0=[2]))
    assert ['4 of 5 annotations have no neg_query_ids' in message for message in said] == [True]
    build(rows_of(), missing='other_video')
    assert len(said) == 1


def test_options(build):
    with pytest.raises(ValueError, match="missing='random'"):
        build(rows_of(), missing='random')


def test_a_load_transform_that_reads_no_sentence_alone(build, make_dataset):
    dataset = build(rows_of())
    dataset.pipeline.load = object()
    with pytest.raises(TypeError, match=r'give it a method text\(row\)'):
        dataset.pipeline.augment['negative'].bind(dataset)


def test_apart():
    rows = [
        *rows_of()[:3],
        dict(query='QUERY  2', relevant_windows=[[0.0, 1.0]]),  # the words of query 2
        dict(query='no moment'),
        dict(query='x', relevant_windows=[[5.0, 5.0]]),  # no extent
    ]
    found = apart(rows, 0.5)
    assert found.shape == (6, 6)
    assert (found == found.T).all()
    assert [np.flatnonzero(row).tolist() for row in found] == [
        [2, 3, 5],
        [2, 3, 5],
        [0, 1, 5],
        [0, 1, 5],
        [],
        [0, 1, 2, 3],
    ]
    assert not apart([dict(query='a'), dict(query='b')], 0.5).any()
