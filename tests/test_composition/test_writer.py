"""Composed configs as files: short, and equal to what was composed."""

import pytest
from mmengine.config import Config
from run_helpers import REPO

from mmvmr.cli.main import main
from mmvmr.composition import CompositionError, compose, write_config
from mmvmr.composition.writer import Reference, difference, render, render_config, same

from .bases import BASELINES
from .test_matrix import NEEDS, PAIRS, everything

CONFIGS = REPO / 'configs'
QD = CONFIGS / 'qd_detr' / 'qd_detr_qvhl.py'
MIXED = """
model = dict(
    encoder=dict(
        _delete_=True,
        type='FrameMatchEncoder',
        attention='clips',
        encoder=dict(
            _base_.model.encoder,
            encoder=dict(
                _base_.model.encoder.encoder,
                fusion=dict(type='TemporalDynamicsFusion', beta=0.7, fusion=_base_.model.encoder.encoder.fusion),
            ),
        ),
    ),
    decoder=dict(layer=dict(cross_attn=dict(modulator=dict(type='GaussianModulator', alpha=2.0, mode='multiply')))),
    criterion=dict(losses=dict(frame_guidance=dict(type='FrameGuidanceLoss', weight=2.0))),
)
train_dataloader = dict(dataset=dict(pipeline=dict(augment=dict(negative=dict(type='NegativeQuery')))))
"""


@pytest.mark.parametrize('name', BASELINES)
def test_every_composition_is_read_back_as_it_was(base_paths, bases, name, tmp_path):
    together = [everything(name)]
    for parts in [[part, *filter(None, [NEEDS.get(part)])] for base, part in PAIRS if base == name] + together:
        cfg = compose(bases[name], parts)
        text = write_config(cfg, base_paths[name], tmp_path / 'folder' / 'new.py')
        # Of the components only `la.length_weight` changes every loss on spans, each in a line, and only
        # `causal.front_door` states the widths of two projectors.
        most = 5 * len(parts) + 25 + text.count('pair_weight') + text.count('_dims=') if parts in together else 25
        assert len(text.splitlines()) <= most
        assert all(len(line) <= 120 for line in text.splitlines()[1:])
    assert same(Config.fromfile(tmp_path / 'folder' / 'new.py').to_dict(), cfg.to_dict())  # as write_config checks too


def test_what_is_written():
    cfg = compose(QD, ['td.dynamics', 'bm.negative_query', 'sa.gaussian'])
    text = render_config(cfg, QD, CONFIGS / 'mixed', 'One line.\nAnother.')
    assert text == ("# One line.\n# Another.\n_base_ = ['../qd_detr/qd_detr_qvhl.py']\n" + MIXED.lstrip('\n'))


def test_base_in_the_same_folder_and_nothing_to_say(tmp_path):
    (tmp_path / 'base.py').write_text('a = 1\n')
    cfg = Config.fromfile(tmp_path / 'base.py')
    assert write_config(cfg, tmp_path / 'base.py', tmp_path / 'new.py') == "_base_ = ['./base.py']\n"


BASE = {
    'plain': 1,
    'part': {'type': 'A', 'inner': {'type': 'B', 'sizes': (1, 2, 3), 'name': 'a name that is long enough'}},
    'empty': None,
    'order': {'first': {'type': 'X'}, 'second': {'type': 'Y'}},
}


@pytest.mark.parametrize(
    ('new', 'changes'),
    [
        ({'plain': 2}, "{'plain': 2}"),
        ({'plain': 1.0}, "{'plain': 1.0}"),
        ({'more': {'x': 1}}, "{'more': {'x': 1}}"),
        ({'empty': {'type': 'N'}}, "{'empty': {'_delete_': True, 'type': 'N'}}"),
        ({'part': None}, "{'part': None}"),
        ({'part': {**BASE['part'], 'more': 1}}, "{'part': {'more': 1}}"),
        ({'part': {'type': 'A'}}, "{'part': {'_delete_': True, 'type': 'A'}}"),
        (
            {'part': {'type': 'W', 'wrapped': BASE['part']}},
            "{'part': {'_delete_': True, 'type': 'W', 'wrapped': _base_.part}}",
        ),
        (
            {'part': {'type': 'W', 'wrapped': BASE['part']['inner']}},
            "{'part': {'_delete_': True, 'type': 'W', 'wrapped': _base_.part.inner}}",
        ),
        (
            {'order': {'zeroth': {'type': 'Z'}, **BASE['order']}},
            "{'order': {'_delete_': True, 'zeroth': {'type': 'Z'}, 'first': {'type': 'X'}, 'second': {'type': 'Y'}}}",
        ),
        ({'order': {**BASE['order'], 'third': {'type': 'Z'}}}, "{'order': {'third': {'type': 'Z'}}}"),
    ],
)
def test_difference(new, changes, tmp_path):
    wanted = {**BASE, **new}
    assert str(difference(BASE, wanted, ())) == changes
    (tmp_path / 'base.py').write_text(''.join(f'{key} = {value!r}\n' for key, value in BASE.items()))
    write_config(Config(wanted), tmp_path / 'base.py', tmp_path / 'new.py')  # reads it back


def test_references_to_keys_that_are_no_attributes():
    assert str(Reference(('model', 'items', 'a b'))) == "_base_.model['items']['a b']"


def test_long_values_are_broken_as_the_formatter_does():
    value = {'losses': {'a' * 60: {'type': 'A' * 30, 'sets': ('init',)}}, 'odd key': [1, {'x': 'y' * 110}]}
    text = render(value, 0, 0)
    assert eval(text) == value
    assert max(len(line) for line in text.splitlines() if 'yyy' not in line) <= 120
    assert eval(render({'a': float('inf')}, 0, 0)) == {'a': float('inf')}


def test_what_cannot_be_written_leaves_no_file(tmp_path):
    out = tmp_path / 'new.py'
    out.write_text('old = 1\n')
    cfg = compose(QD, ['sa.noise'])
    with pytest.raises(CompositionError, match='cannot remove its keys'):
        write_config(Config({'model': cfg.model}), QD, out)
    cfg.model.decoder.num_layers = float('nan')  # equal to nothing
    with pytest.raises(CompositionError, match=r'model\.decoder\.num_layers is nan instead of nan'):
        write_config(cfg, QD, out)
    cfg.model.decoder.num_layers = object()
    with pytest.raises(CompositionError, match='would not be a config: SyntaxError'):
        write_config(cfg, QD, out)
    assert out.read_text() == 'old = 1\n'
    assert list(tmp_path.iterdir()) == [out]
    with pytest.raises(CompositionError, match='is the base config itself'):
        write_config(cfg, QD, QD)


@pytest.mark.parametrize(
    ('name', 'parts'),
    [
        ('qd_detr_qvhl', ['causal.front_door', 'causal.relevance']),
        ('univtg_qvhl', ['causal.front_door']),
    ],
)
def test_a_projector_whose_widths_follow_from_the_features_is_read_back(name, parts, tmp_path):
    base, out = CONFIGS / name.removesuffix('_qvhl') / f'{name}.py', tmp_path / 'new.py'
    assert main(['compose', name, '--with', *parts, '--out', str(out)]) in (0, None)
    cfg = Config.fromfile(out)
    assert same(cfg.to_dict(), compose(base, parts).to_dict())
    assert (cfg.model.projector.type, cfg.model.projector.video_dims) == ('FrontDoorProjector', 2818)
