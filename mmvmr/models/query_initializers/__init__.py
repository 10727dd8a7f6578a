"""Query initializers: the moment queries that enter the decoder."""

from .dynamic import DynamicAnchorQueryInitializer
from .learned import LearnedAnchorQueryInitializer, LearnedQueryInitializer
from .moments import MomentQueryInitializer, allowed_moments
from .noise import DualPathQueryInitializer, NoiseQueryGenerator, add_noise
from .sentence_slots import SentenceSlotQueryInitializer
from .slots import SlotQueryInitializer

__all__ = [
    'DualPathQueryInitializer',
    'DynamicAnchorQueryInitializer',
    'LearnedAnchorQueryInitializer',
    'LearnedQueryInitializer',
    'MomentQueryInitializer',
    'NoiseQueryGenerator',
    'SentenceSlotQueryInitializer',
    'SlotQueryInitializer',
    'add_noise',
    'allowed_moments',
]
