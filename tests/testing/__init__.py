"""What tests of this and of other packages need: replayed random draws, tiny models, made-up batches."""

from testing.models import extra_inputs, make_batch, make_samples, make_targets, shrink, tiny_model
from testing.rng import ReplayRng

__all__ = ['ReplayRng', 'extra_inputs', 'make_batch', 'make_samples', 'make_targets', 'shrink', 'tiny_model']
