"""Options of losses that take one of a few values, and what losses need: a message names the loss and either."""

import pytest
from loss_data import outputs, truth

from mmvmr.models import losses

OPTIONS = {
    'AttentionDistillLoss': ['padding'],
    'BoundaryEvidenceLoss': ['grid'],
    'ClipAttentionLoss': ['padding'],
    'ClipAwareScoreLoss': ['padding'],
    'ClipSentenceLoss': ['windows', 'padding'],
    'ClipTextIntraLoss': ['positive'],
    'ClipTextLocalLoss': ['stage', 'sentence', 'padding'],
    'LayerContrastLoss': ['over'],
    'MomentClipLoss': ['form', 'padding'],
    'MomentDummyLoss': ['labels'],
    'OrthogonalTokenLoss': ['tokens'],
    'PointFocalLoss': ['normalizer'],
    'PooledAlignmentLoss': ['denominator', 'same_video'],
    'SaliencyMarginLoss': ['scores', 'missing_low'],
    'SaliencyRankLoss': ['false_negatives'],
    'SentenceToMomentLoss': ['removed'],
    'SpanIoULoss': ['distance'],
    'SpanL1Loss': ['normalizer', 'coordinates'],
    'VideoTextContrastiveLoss': ['stage', 'sentence', 'padding'],
}


#: Arguments without a default.
REQUIRED = {
    'PooledAlignmentLoss': dict(embed_dims=2),
    'SpatialDynamicLoss': dict(word_dims=2, frame_dims=2, num_patches=4),
    'VisualContextLoss': dict(word_dims=2, frame_dims=2),
}


@pytest.mark.parametrize('name', [name for name in losses.__all__ if name.endswith('Loss')])
def test_a_loss_counts_once_by_default(name):
    assert getattr(losses, name)(**REQUIRED.get(name, {})).weight == 1


@pytest.mark.parametrize(('name', 'option'), [(name, option) for name in OPTIONS for option in OPTIONS[name]])
def test_unknown_options(name, option):
    with pytest.raises(ValueError, match=f"^{name}: {option}='x' is unknown, expected '"):
        getattr(losses, name)(**REQUIRED.get(name, {}), **{option: 'x'})


@pytest.mark.parametrize('name', ['FocalForegroundLoss', 'PointFocalLoss'])
def test_weights_of_both_classes_are_a_share_and_the_rest(name):
    assert getattr(losses, name)(alpha=0).alpha == 0
    for alpha in (-0.1, 1.1, float('nan')):
        with pytest.raises(ValueError, match=f'^{name}: alpha={alpha}, expected a number from 0 to 1'):
            getattr(losses, name)(alpha=alpha)


@pytest.mark.parametrize(
    ('name', 'extra'),
    [
        ('AttentionDistillLoss', 'AlignmentTokens'),
        ('ClipClassLoss', 'PooledText'),
        ('ClipSentenceLoss', 'Similarities'),
        ('FrameGuidanceLoss', 'FrameMatch'),
        ('LayerContrastLoss', 'LayerStates'),
        ('MomentClipLoss', 'AlignmentTokens'),
        ('MomentDummyLoss', 'AlignmentTokens'),
        ('MomentSentenceLoss', 'AlignmentTokens'),
        ('OrthogonalTokenLoss', 'AdaptiveAttention'),
        ('VideoSentenceLoss', 'Similarities'),
    ],
)
def test_what_losses_need(name, extra):
    with pytest.raises(ValueError, match=f'^{name} needs {extra}, which is written by '):
        getattr(losses, name)()(outputs(), truth([[], []]))
