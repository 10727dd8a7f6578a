"""Query initializers: the moment queries that enter the decoder."""

from .learned import LearnedAnchorQueryInitializer, LearnedQueryInitializer

__all__ = ['LearnedAnchorQueryInitializer', 'LearnedQueryInitializer']
