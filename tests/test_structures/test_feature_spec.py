import json

import pytest

from mmvmr.structures import FeatureSpec

CONFIG = dict(
    streams=dict(slowfast=dict(dim=2304), clip=dict(dim=512)), text=dict(dim=512, max_length=32), clip_len=2.0
)


def _spec(**changes):
    return FeatureSpec.from_dict({**CONFIG, **changes})


def test_order_and_dims():
    spec = _spec()
    assert [s.name for s in spec.streams] == ['slowfast', 'clip']
    assert (spec.video_dim, spec.text_dim) == (2818, 512)
    assert _spec(tef=False).video_dim == 2816


def test_none_removes_a_stream():
    assert _spec(streams=dict(slowfast=None, clip=dict(dim=512))).video_dim == 514


def test_survives_json():
    spec = _spec(max_clips=75, surrogate=True)
    assert FeatureSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_differences_name_both_sides():
    other = _spec(streams=dict(clip=dict(dim=512), slowfast=dict(dim=2304)), clip_len=1.0)
    lines = _spec().differences(other, 'data', 'checkpoint')
    assert lines == [
        'streams: slowfast(2304, l2) + clip(512, l2) (data), clip(512, l2) + slowfast(2304, l2) (checkpoint)',
        'clip_len: 2.0 (data), 1.0 (checkpoint)',
    ]
    assert _spec().differences(_spec()) == []


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(streams=dict()), 'no video stream'),
        (dict(streams=dict(clip=dict(dim=0))), "stream 'clip' has dim 0"),
        (dict(streams=dict(clip=dict())), "stream 'clip' declares no dim"),
        (dict(streams=dict(clip=dict(dim=4, norm='l2'))), r"unknown keys \['norm'\]"),
        (dict(streams=[dict(name='a', dim=4), dict(name='a', dim=4)]), 'not unique'),
        (dict(text=dict(dim=4, normalise='l1')), "normalise='l1', expected one of"),
        (dict(clip_len=0), 'clip_len is 0'),
        (dict(fps=1), r"unknown keys \['fps'\]"),
    ],
)
def test_bad_specifications(changes, message):
    with pytest.raises(ValueError, match=message):
        _spec(**changes)


def test_missing_keys():
    with pytest.raises(ValueError, match=r"\['clip_len', 'text'\] are missing"):
        FeatureSpec.from_dict(dict(streams=dict(clip=dict(dim=4))))
