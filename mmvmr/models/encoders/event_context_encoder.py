"""Inputs of the event reasoning of EaTR."""

from __future__ import annotations

from typing import Any

from torch import nn

from mmvmr.models.layers import masked_max
from mmvmr.registry import MODELS, TASK_UTILS
from mmvmr.structures import EventContext, Features, Memory, MomentTargets
from mmvmr.utils import check_choice

_POOLS = ('valid', 'padded')


@MODELS.register_module()
class EventContextEncoder(nn.Module):
    """Keep the clips before encoding, the strongest text tokens and, for training, the pseudo events (EaTR, section 3).

    Args:
        encoder: Config of the wrapped encoder.
        events: Config of the search for events, e.g. :class:`PseudoEvents`.
        pool: The sentence is the maximum over its text tokens: ``valid`` ones, or ``padded`` ones too, as in the
            official code, where sentences change with the longest one of the batch.

    Raises:
        ValueError: If ``pool`` is unknown.
    """

    def __init__(self, encoder: dict[str, Any], events: dict[str, Any], pool: str = 'valid'):
        super().__init__()
        self.pool = check_choice(self, 'pool', pool, _POOLS)
        self.encoder = MODELS.build(encoder)
        self.events = TASK_UTILS.build(events)

    def forward(self, features: Features, targets: MomentTargets | None = None) -> Memory:
        """The memory of the wrapped encoder with ``sentence`` and :class:`EventContext`.

        While training it has the events of :class:`PseudoEvents`, of the input features of the clips.
        """
        memory = self.encoder(features, targets)
        tokens = features.text
        memory.sentence = tokens.feat.amax(1) if self.pool == 'padded' else masked_max(tokens.feat, tokens.mask)
        clips = features.raw_video
        events = None if targets is None else self.events(clips.feat, clips.mask)
        memory.add(EventContext(features.video, events))
        return memory
