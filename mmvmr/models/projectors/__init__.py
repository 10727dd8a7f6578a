"""Projectors: input features to the width of the model."""

from mmvmr.models.projectors.clip_pool_projector import ClipPoolProjector
from mmvmr.models.projectors.front_door_projector import FrontDoor, FrontDoorProjector, PrototypeMemory
from mmvmr.models.projectors.layer_projector import LayerProjector
from mmvmr.models.projectors.linear_projector import LearnedTextPosition, LinearProjector, ProjectionLayer
from mmvmr.models.projectors.modality import ModalityEmbedding
from mmvmr.models.projectors.plain_projector import PlainProjector
from mmvmr.models.projectors.text_encoder import TransformersTextEncoder

__all__ = [
    'ClipPoolProjector',
    'FrontDoor',
    'FrontDoorProjector',
    'LayerProjector',
    'LearnedTextPosition',
    'LinearProjector',
    'ModalityEmbedding',
    'PlainProjector',
    'ProjectionLayer',
    'PrototypeMemory',
    'TransformersTextEncoder',
]
