"""Encoders: projected features to the memory that decoder and heads read."""

from .alignment_token_encoder import AlignmentTokenEncoder
from .dummy_token_encoder import DummyTokenEncoder
from .event_context_encoder import EventContextEncoder
from .frame_match_encoder import FrameMatchEncoder, FrameMatcher
from .global_token_encoder import GlobalToken, GlobalTokenEncoder
from .integration_encoder import IntegrationEncoder
from .joint_encoder import JointEncoder
from .late_fusion_encoder import LateFusionEncoder
from .multi_modal_align_encoder import MultiModalAlignEncoder
from .negative_pair_encoder import NegativePairEncoder
from .prompt_token_encoder import PromptTokenEncoder
from .proposal_map_encoder import JointSentenceEncoder, ProposalMapEncoder
from .pyramid_encoder import PyramidEncoder, SineTable
from .reciprocal_encoder import ReciprocalEncoder
from .sentence_pool_encoder import SentencePoolEncoder
from .similarity import SimilarityProjector
from .transformer import EncoderLayer, TransformerEncoder
from .video_context_encoder import VideoContextEncoder
from .word_encoders import PooledWords, WordTransformer

__all__ = [
    'AlignmentTokenEncoder',
    'DummyTokenEncoder',
    'EncoderLayer',
    'EventContextEncoder',
    'FrameMatchEncoder',
    'FrameMatcher',
    'GlobalToken',
    'GlobalTokenEncoder',
    'IntegrationEncoder',
    'JointEncoder',
    'JointSentenceEncoder',
    'LateFusionEncoder',
    'MultiModalAlignEncoder',
    'NegativePairEncoder',
    'PooledWords',
    'PromptTokenEncoder',
    'ProposalMapEncoder',
    'PyramidEncoder',
    'ReciprocalEncoder',
    'SentencePoolEncoder',
    'SimilarityProjector',
    'SineTable',
    'TransformerEncoder',
    'VideoContextEncoder',
    'WordTransformer',
]
