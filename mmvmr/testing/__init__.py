"""What tests of this and of other packages need: replayed random draws, tiny models, made-up batches."""

from mmvmr.testing.draws import ReplayDraws
from mmvmr.testing.models import extra_inputs, make_batch, make_samples, make_targets, shrink, tiny_model

__all__ = ['ReplayDraws', 'extra_inputs', 'make_batch', 'make_samples', 'make_targets', 'shrink', 'tiny_model']
