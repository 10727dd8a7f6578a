"""Query initializers: the moment queries that enter the decoder.

The detector calls ``initializer(memory, targets)``: encoder output, and the ground truth of the batch, None at
inference.
"""

from mmvmr.models.query_initializers.dynamic import DynamicAnchorQueryInitializer
from mmvmr.models.query_initializers.learned import LearnedAnchorQueryInitializer, LearnedQueryInitializer
from mmvmr.models.query_initializers.lengthwise import LengthwiseQueryInitializer
from mmvmr.models.query_initializers.moments import MomentQueryInitializer, allowed_distances
from mmvmr.models.query_initializers.noise import DualPathQueryInitializer, NoiseQueryGenerator, add_noise
from mmvmr.models.query_initializers.sentence_slots import SentenceSlotQueryInitializer
from mmvmr.models.query_initializers.similarity_anchors import SimilarityAnchorQueryInitializer
from mmvmr.models.query_initializers.slots import SlotQueryInitializer

__all__ = [
    'DualPathQueryInitializer',
    'DynamicAnchorQueryInitializer',
    'LearnedAnchorQueryInitializer',
    'LearnedQueryInitializer',
    'LengthwiseQueryInitializer',
    'MomentQueryInitializer',
    'NoiseQueryGenerator',
    'SentenceSlotQueryInitializer',
    'SimilarityAnchorQueryInitializer',
    'SlotQueryInitializer',
    'add_noise',
    'allowed_distances',
]
