"""Typed results that one component of a model writes for another one to ask for.

A stage returns a fixed structure (:mod:`mmvmr.structures.flow`). What only some encoders, decoders or heads compute
travels in its ``extras``: the component that computes it adds its own :class:`Extra`, and whoever needs it asks for the
class. An external package adds an extra by subclassing :class:`Extra`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

from torch import Tensor

from mmvmr.structures.tensors import Tokens, batch_axis

E = TypeVar('E', bound='Extra')


@dataclass(frozen=True)
class Extra:
    """Base of everything that a component adds to the result of a stage.

    The first axis of every tensor counts the samples of the batch unless its field says otherwise, see
    :func:`batch_axis`.
    """

    #: The component that writes it and how a config gets it, for the error message of who asks in vain.
    written_by: ClassVar[str] = 'an unknown component'


@dataclass
class WithExtras:
    """Result of a stage to which components add extras.

    Attributes:
        extras: At most one of every class.
    """

    extras: tuple[Extra, ...] = field(default=(), kw_only=True)

    def find(self, kind: type[E]) -> E | None:
        """Return the extra of a class, or None where no component wrote it."""
        return next((extra for extra in self.extras if isinstance(extra, kind)), None)

    def extra(self, kind: type[E], reader: object) -> E:
        """Return the extra of a class.

        Args:
            kind: Class of the extra.
            reader: The component that asks, for the message.

        Raises:
            ValueError: If no component wrote it; the message names the one that should have.
        """
        extra = self.find(kind)
        if extra is None:
            name = reader if isinstance(reader, str) else type(reader).__name__
            raise ValueError(f'{name} needs {kind.__name__}, which is written by {kind.written_by}')
        return extra

    def add(self, extra: Extra) -> None:
        """Add an extra in place of an earlier one of its class."""
        self.extras = (*(other for other in self.extras if type(other) is not type(extra)), extra)


@dataclass(frozen=True)
class ClipSimilarity(Extra):
    """Similarity of clips and sentence before anything is learned.

    Attributes:
        scores: Relative to the video (B, Lv): mean 0, deviation 1, and 0 on padding.
        changes: How much the video changes before every clip and at its end (B, Lv + 1), see
            :func:`mmvmr.models.similarity.scene_changes`.
    """

    written_by = 'SimilarityEncoder: add the component sim.stream or sim.anchors'

    scores: Tensor
    changes: Tensor


@dataclass(frozen=True)
class FrameMatch(Extra):
    """Probability that a clip matches the sentence (BM-DETR, equations 5 to 7).

    Attributes:
        prob: Joint probability p (B, Lv), 0 on padding.
        mask: Valid clips (B, Lv).
        attention: Frame attention o, the weights of the clips (B, Lv).
    """

    written_by = 'FrameMatchEncoder: set it as model.encoder'

    prob: Tensor
    mask: Tensor
    attention: Tensor


@dataclass(frozen=True)
class AdaptiveAttention(Extra):
    """Result of the adaptive cross-attention of CG-DETR.

    Attributes:
        weights: Attention weights of the clips on dummies and text tokens (B, Lv, Nd + Lt).
        on_text: Sum of the weights on the text tokens (B, Lv).
        dummies: Dummy tokens (B, Nd, D).
        token: Fused moment-adaptive saliency token (B, 1, D); None from encoders without prompts (FlashVTG).
        prompts: Candidates of the saliency token (B, P, D), likewise.
    """

    written_by = 'PromptTokenEncoder or MeanTokenEncoder: set one as the (innermost) model.encoder'

    weights: Tensor
    on_text: Tensor
    dummies: Tensor
    token: Tensor | None = None
    prompts: Tensor | None = None


@dataclass(frozen=True)
class AlignmentTokens(Extra):
    """Moment and sentence tokens of CG-DETR's clip-token correlation learner, while training.

    Attributes:
        moment: Token of the clips inside the moments (B, D).
        non_moment: Token of the other clips (B, D).
        moment_clips: Clips encoded together with ``moment`` (B, Lv, D).
        non_moment_clips: Clips encoded together with ``non_moment`` (B, Lv, D).
        inside: Clips inside a moment (B, Lv).
        sentence: Token of the text tokens (B, D).
        dummy_sentence: Token of the dummies (B, D).
        text: Dummies and text tokens encoded together with the two (B, Nd + Lt, D).
        text_mask: Which of them are valid (B, Nd + Lt).
    """

    written_by = 'AlignmentTokenEncoder around PromptTokenEncoder, while training: set it as model.encoder'

    moment: Tensor
    non_moment: Tensor
    moment_clips: Tensor
    non_moment_clips: Tensor
    inside: Tensor
    sentence: Tensor
    dummy_sentence: Tensor
    text: Tensor
    text_mask: Tensor


@dataclass(frozen=True)
class MismatchedPairs(Extra):
    """In-batch mismatched pairs: which videos got a text that really does not describe them.

    Attributes:
        valid: True for such videos (B,).
    """

    written_by = 'NegativePairEncoder, while training: set it as model.encoder'

    valid: Tensor


@dataclass(frozen=True)
class Similarities(Extra):
    """Unit vectors of videos, clips and sentences in one space (UVCOM).

    Attributes:
        video: Global tokens (B, D).
        clips: Fused clips before the last encoder stack (B, Lv, D).
        sentence: Sentences (B, D).
    """

    written_by = "NegativePairEncoder with similarity=dict(type='SimilarityProjector'): set it as model.encoder"

    video: Tensor
    clips: Tensor
    sentence: Tensor


@dataclass(frozen=True)
class EventContext(Extra):
    """Clips before the encoder, and the pseudo events of their video (EaTR).

    Attributes:
        projected: Clips before fusion and encoding.
        events: Normalised (center, width) (B, G, 2) and which exist (B, G); None at inference.
    """

    written_by = 'EventContextEncoder: wrap model.encoder in it'

    projected: Tokens
    events: tuple[Tensor, Tensor] | None = None


@dataclass(frozen=True)
class ClipScores(Extra):
    """Highlight scores computed inside the encoder (TR-DETR).

    Attributes:
        clips: Projected clips (B, Lv, D).
        scores: Score of every clip without the bias (B, Lv); linear in the encoded clips.
        bias: Bias of the scores (B,).
    """

    written_by = 'ReciprocalEncoder: set it as model.encoder'

    clips: Tensor
    scores: Tensor
    bias: Tensor


@dataclass(frozen=True)
class PooledText(Extra):
    """Clips next to which a pooled sentence is scored, and pooled class names (UniVTG).

    Attributes:
        clips: Projected clips (B, Lv, D).
        classes: One vector per class name (C, D); None where the inputs name no classes.
    """

    written_by = 'SentencePoolEncoder: wrap model.encoder in it'

    clips: Tensor
    classes: Tensor | None = field(default=None, metadata=batch_axis(None))


@dataclass(frozen=True)
class LayerStates(Extra):
    """Clips and sentences in every layer of a frozen encoder (R2-Tuning).

    Attributes:
        clips: Projected class tokens (B, Lv, K, D), those of the last layer at the end.
        sentences: Pooled text tokens (B, K, D), in the same order.
    """

    written_by = 'LayerPoolEncoder: wrap model.encoder in it'

    clips: Tensor
    sentences: Tensor


@dataclass(frozen=True)
class ExtraInputs(Extra):
    """Inputs of the model other than video and text, for losses.

    Attributes:
        tensors: Name of the input to its tensor.
    """

    written_by = 'ProposalMapDetector: set it as model'

    tensors: dict[str, Tensor]
