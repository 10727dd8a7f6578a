"""The model of a config against the one that weights were trained in."""

import copy

import pytest

import mmvmr.models  # noqa: F401
from mmvmr.utils.cli import load_config
from mmvmr.utils.inference_meta import plain
from mmvmr.utils.model_agreement import model_differences, other_model


def changed(path, value):
    model = copy.deepcopy(MODEL)
    node = model
    *parts, last = path.split('.')
    for part in parts:
        node = node.setdefault(part, {})
    node[last] = value
    return model


MODEL = plain(load_config('configs/qd_detr/qd_detr_qvhl.py').model)
FUSION = 'encoder.encoder.fusion'


def test_the_same_model():
    assert model_differences(MODEL, copy.deepcopy(MODEL)) == []


@pytest.mark.parametrize(
    ('path', 'value', 'words'),
    [
        ('shared.num_heads', 4, 'model.shared.num_heads is 4 in the checkpoint and 8 in the config'),
        (f'{FUSION}.mask_layout', 'head_major', f"model.{FUSION}.mask_layout is 'head_major' in the checkpoint"),
        (
            'decoder.type',
            'Other',
            "model.decoder.type is 'Other' in the checkpoint and 'TransformerDecoder' in the config",
        ),
    ],
)
def test_what_weights_do_not_show(path, value, words):
    (line,) = model_differences(changed(path, value), MODEL)
    assert line.startswith(words)


@pytest.mark.parametrize(
    ('path', 'value'),
    [
        ('criterion.losses', {}),  # training
        ('postprocessor.nms', {'type': 'X'}),  # answers
        ('shared.dropout', 0.7),
        ('encoder.sampler', {'type': 'X'}),  # the choice of negatives
        (f'{FUSION}.mask_layout', 'sample'),  # the default, written down
    ],
)
def test_what_may_differ(path, value):
    assert model_differences(changed(path, value), MODEL) == []


def test_converted_and_foreign_checkpoints_are_not_compared():
    other = changed('shared.num_heads', 4)
    cfg = {'model': MODEL}
    assert 'shared.num_heads' in other_model({'meta': {'inference': {'model': other}}}, cfg)
    assert other_model({'meta': {'inference': {'model': other}, 'converted_from': 'qd_detr'}}, cfg) is None
    assert other_model({'meta': {}}, cfg) is None and other_model({}, cfg) is None


def test_official_configs_are_other_models():
    """Weights fit both, and figures differ."""
    official = load_config('configs/qd_detr/qd_detr_official_qvhl.py').model
    (line,) = model_differences(official, MODEL)
    assert 'mask_layout' in line
