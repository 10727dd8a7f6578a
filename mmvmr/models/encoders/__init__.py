"""Encoders: projected features to the memory that decoder and heads receive.

The detector calls ``encoder(features, targets)``: the projected inputs, and the ground truth of the batch, None at
inference. Encoders that wrap another one hand both on and add to its memory.
"""

from mmvmr.models.encoders.alignment_token_encoder import AlignmentTokenEncoder
from mmvmr.models.encoders.dummy_token_encoder import DummyTokenEncoder
from mmvmr.models.encoders.event_context_encoder import EventContextEncoder
from mmvmr.models.encoders.feature_layering_encoder import FeatureLayeringEncoder
from mmvmr.models.encoders.frame_match_encoder import FrameMatchEncoder, FrameMatcher
from mmvmr.models.encoders.global_token_encoder import GlobalToken, GlobalTokenEncoder
from mmvmr.models.encoders.integration_encoder import IntegrationEncoder
from mmvmr.models.encoders.joint_encoder import JointEncoder
from mmvmr.models.encoders.late_fusion_encoder import LateFusionEncoder
from mmvmr.models.encoders.layer_encoders import FusionEncoder, LayerPoolEncoder
from mmvmr.models.encoders.mean_token_encoder import MeanTokenEncoder
from mmvmr.models.encoders.mismatched_video_encoder import MismatchedVideoEncoder
from mmvmr.models.encoders.multi_modal_align_encoder import MultiModalAlignEncoder
from mmvmr.models.encoders.negative_pair_encoder import NegativePairEncoder
from mmvmr.models.encoders.prompt_token_encoder import PromptTokenEncoder
from mmvmr.models.encoders.proposal_map_encoder import JointSentenceEncoder, ProposalMapEncoder
from mmvmr.models.encoders.pyramid_encoder import PyramidEncoder, SineTable
from mmvmr.models.encoders.reciprocal_encoder import ReciprocalEncoder
from mmvmr.models.encoders.sentence_pool_encoder import SentencePoolEncoder
from mmvmr.models.encoders.similarity import SimilarityProjector
from mmvmr.models.encoders.similarity_encoder import SimilarityEncoder
from mmvmr.models.encoders.text_encoders import MeanTextToken, TextTransformer
from mmvmr.models.encoders.transformer import EncoderLayer, TransformerEncoder
from mmvmr.models.encoders.video_context_encoder import VideoContextEncoder

__all__ = [
    'AlignmentTokenEncoder',
    'DummyTokenEncoder',
    'EncoderLayer',
    'EventContextEncoder',
    'FeatureLayeringEncoder',
    'FrameMatchEncoder',
    'FrameMatcher',
    'FusionEncoder',
    'GlobalToken',
    'GlobalTokenEncoder',
    'IntegrationEncoder',
    'JointEncoder',
    'JointSentenceEncoder',
    'LateFusionEncoder',
    'LayerPoolEncoder',
    'MeanTextToken',
    'MeanTokenEncoder',
    'MismatchedVideoEncoder',
    'MultiModalAlignEncoder',
    'NegativePairEncoder',
    'PromptTokenEncoder',
    'ProposalMapEncoder',
    'PyramidEncoder',
    'ReciprocalEncoder',
    'SentencePoolEncoder',
    'SimilarityEncoder',
    'SimilarityProjector',
    'SineTable',
    'TextTransformer',
    'TransformerEncoder',
    'VideoContextEncoder',
]
