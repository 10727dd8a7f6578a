"""Every component on every baseline, and all of them at once, from configs alone."""

import pytest
import torch

from mmvmr.composition import CompositionError, component_names, compose

from .bases import BASELINES, build, loss_of, make_batch, predictions_of

#: Components that only mean something beside another one.
NEEDS = {'sa.init_loss': 'sa.anchors'}
#: What a baseline has already, or cannot have, with a word of the message.
REFUSED = {
    **{(name, 'bm.learnable_spans'): 'learned spans already' for name in ('qd_detr', 'cg_detr', 'bam_detr')},
    **{(name, 'bm.learnable_spans'): 'learned spans already' for name in ('uvcom', 'tr_detr')},
    ('sa_detr', 'bm.learnable_spans'): 'predicted spans',
    **{('sa_detr', f'sa.{name}'): 'already' for name in ('anchors', 'noise', 'gaussian', 'enhance', 'alignment')},
    ('sa_detr', 'sa.init_loss'): 'already',
    **{('bm_detr', f'bm.{name}'): 'already' for name in ('negative_query', 'learnable_spans', 'alignment')},
}
#: They and sa.anchors are the same queries.
EXCLUDED = {'bm.learnable_spans'}
PAIRS = [(name, part) for name in BASELINES for part in component_names() if (name, part) not in REFUSED]


def everything(name):
    """All components that a baseline takes."""
    return [part for part in component_names() if (name, part) not in REFUSED and part not in EXCLUDED]


def check(cfg, views=()):
    """The model of a config trains, predicts, and does not depend on the batch."""
    model, batch = build(cfg), make_batch(cfg)
    assert {sample.view for sample in batch['data_samples']} == {'main', *views}
    losses = loss_of(model, batch)
    assert all(torch.isfinite(value) for value in losses.values()), losses
    sum(losses.values()).backward()
    assert not [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert not [name for name, p in model.named_parameters() if not torch.isfinite(p.grad).all()]
    inputs = {name: batch['inputs'][name][:3] for name in ('video', 'text')}
    inputs['video'] = [video[: len(video) - 7 * row] for row, video in enumerate(inputs['video'])]
    together = predictions_of(model, inputs)
    for row, video in enumerate(inputs['video']):
        alone = predictions_of(model, {name: [features[row]] for name, features in inputs.items()})
        for one, all_rows in zip(alone, together):
            wanted = all_rows[row, : len(video)] if one.dim() == 2 and one.shape[1] == len(video) else all_rows[row]
            torch.testing.assert_close(one[0], wanted, atol=2e-5, rtol=1e-4)
    samples = model(**model.data_preprocessor(batch), mode='predict')
    assert all(len(sample.pred_instances.windows) for sample in samples)
    return losses


VIEWS = {'td.synthesizer': 'synthesis', 'bm.temporal_shift': 'shift'}


@pytest.mark.parametrize(('name', 'part'), PAIRS)
def test_pair(bases, name, part):
    parts = [part, *([NEEDS[part]] if part in NEEDS else [])]
    check(compose(bases[name], parts), {VIEWS[part]} if part in VIEWS else ())


@pytest.mark.parametrize('name', BASELINES)
def test_all_at_once(bases, name):
    losses = check(compose(bases[name], everything(name)), VIEWS.values())
    assert {'loss_frame_guidance', 'loss_alignment'} <= set(losses)


@pytest.mark.parametrize('name', BASELINES)
def test_weighted_views(bases, name):
    cfg = compose(bases[name], everything(name))
    cfg.model.criterion.view_weights = dict(main=1.0, synthesis=0.5, shift=0.25)
    losses = loss_of(build(cfg), make_batch(cfg))
    assert {'loss_span', 'loss_span@synthesis', 'loss_span@shift'} <= set(losses)
    assert all(torch.isfinite(value) for value in losses.values()), losses


@pytest.mark.parametrize(('name', 'part'), REFUSED)
def test_refused(bases, name, part):
    with pytest.raises(CompositionError, match=f'^{part}: .*{REFUSED[name, part]}'):
        compose(bases[name], [part])


@pytest.mark.parametrize('name', [name for name in BASELINES if name != 'sa_detr'])
def test_no_loss_on_anchors_that_nothing_predicts(bases, name):
    with pytest.raises(CompositionError, match=r'add sa\.anchors'):
        compose(bases[name], ['sa.init_loss'])
