"""False premises: sentences of other videos, without moments, as a further view."""

from collections import Counter

import numpy as np
import pytest

from .test_negative_query import rows_of


@pytest.fixture
def build(make_dataset):
    def make(rows, **options):
        return make_dataset(rows, pipeline=dict(augment={'false_premise': dict(type='FalsePremise', **options)}))

    return make


def drawn(dataset, index, epochs=60):
    """Ids of the sentences of the view over many epochs, None without a view."""
    ids = Counter()
    for epoch in range(epochs):
        dataset.set_epoch(epoch)
        view = dataset.pipeline.augment['false_premise'](dataset.loaded(index)).get('views', {}).get('false_premise')
        ids[view and view['neg_qid']] += 1
    return ids


def test_the_view(build):
    dataset = build(rows_of())
    item = dataset[0]
    view = item['views']['false_premise']
    sample = view['data_samples']
    assert (sample.view, sample.qid, sample.vid) == ('false_premise', 0, 'a')
    assert sample.query in ('query 3', 'query 4')
    assert sample.relevant_windows == [] and sample.gt_instances.spans.shape == (0, 2)
    assert not sample.gt_clips.any() and not sample.gt_saliency.any() and (sample.gt_pairs == -1).all()
    np.testing.assert_array_equal(view['inputs']['video'], item['inputs']['video'])
    other = dataset.loaded(int(sample.query[-1]))
    np.testing.assert_array_equal(view['inputs']['text'], other['text_feat'])
    assert item['data_samples'].relevant_windows == [[0.0, 6.0]]  # the sample itself stays as it is


def test_sentences_are_those_of_other_videos_and_of_none_that_the_own_has(build):
    rows = rows_of()
    assert set(drawn(build(rows), 0)) == {3, 4}
    rows[3]['query'] = 'Query  1.'  # video a has it, too, written otherwise
    assert set(drawn(build(rows), 0)) == {4}
    rows[4]['query'] = 'query 2'
    assert set(drawn(build(rows), 0)) == {None}
    assert set(drawn(build(rows[:3]), 0)) == {None}  # a single video


def test_mined_negatives_are_no_false_premises(build):
    """They are true of the video, of another moment."""
    assert set(drawn(build(rows_of(q0=[2])), 0)) == {3, 4}


def test_share(build):
    found = drawn(build(rows_of(), share=0.25), 0, 200)
    assert 120 < found[None] < 180
    for share in (0, 1.5):
        with pytest.raises(ValueError, match=f'share={share}, expected a part of the samples'):
            build(rows_of(), share=share)


def test_ratings_and_negatives_of_the_sample_do_not_travel(make_dataset):
    rows = rows_of()
    for row in rows:
        row.update(relevant_clip_ids=[0, 1], saliency_scores=[[4, 3, 4], [2, 2, 2]])
    augment = dict(negative=dict(type='NegativeQuery', missing='other_video'), false_premise=dict(type='FalsePremise'))
    targets = dict(type='BuildMomentTargets', labels=dict(type='HighlightLabels'))
    item = make_dataset(rows, pipeline=dict(augment=augment, targets=targets))[0]
    view = item['views']['false_premise']
    assert 'neg_text' in item['inputs'] and 'neg_text' not in view['inputs']
    assert item['data_samples'].gt_saliency.sum() == 17
    assert view['data_samples'].gt_saliency.sum() == 0
