"""What flows between the stages of the detectors.

Shapes use ``B`` samples, ``Lv`` clips, ``Lt`` tokens, ``N`` moment queries, ``S`` decoder layers, ``P`` points, ``G``
ground-truth spans (padded) and ``D`` channels. Spans are normalised ``(center, width)`` in [0, 1] unless a name says
``windows`` (seconds). Every mask is boolean with True = valid.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import normalize

T = TypeVar('T')


@dataclass
class Tokens:
    """A padded sequence of feature vectors.

    Attributes:
        feat: Features of shape (B, L, D).
        mask: Validity of shape (B, L), True = valid.
        pos: Positional embedding of shape (B, L, D), or None for none.
        lead: How many entries at the front are learned tokens, which have no neighbours in time.
    """

    feat: Tensor
    mask: Tensor
    pos: Tensor | None = None
    lead: int = 0

    def position(self) -> Tensor:
        """The positional embedding, zeros where the sequence has none: (B, L, D)."""
        return torch.zeros_like(self.feat) if self.pos is None else self.pos

    def replace(self, feat: Tensor) -> Tokens:
        """The same sequence with other features."""
        return dataclasses.replace(self, feat=feat)

    def join(self, other: Tokens) -> Tokens:
        """This sequence followed by another, (B, L + L', D), with zero positions where only one has positions."""
        pos = None
        if self.pos is not None or other.pos is not None:
            pos = torch.cat((self.position(), other.position()), dim=1)
        lead = self.lead + (other.lead if self.lead == self.feat.shape[1] else 0)
        return Tokens(torch.cat((self.feat, other.feat), dim=1), torch.cat((self.mask, other.mask), dim=1), pos, lead)


@dataclass
class Features:
    """Projected inputs.

    Attributes:
        video: Clips.
        text: Words.
        negative_text: Words of a sentence that does not describe the video, when a transform supplied one.
        raw_video: The clips before projection (B, Lv, Dv), for components that look at the input features.
        attention: How much each clip read each token (B, Lv, Lt), behind a fusion that tells it.
        rows: Which video a sentence is about (B,), where a video stands once for several sentences: ``video`` and
            ``raw_video`` then have V rows instead of B. None where every sentence has a row of its own.
        class_text: Words of the names of classes (C, Lc, D), for a loss that tells them apart.
    """

    video: Tokens
    text: Tokens
    negative_text: Tokens | None = None
    raw_video: Tensor | None = None
    attention: Tensor | None = None
    rows: Tensor | None = None
    class_text: Tokens | None = None

    def paired(self) -> Features:
        """The same features with a row of video for every sentence."""
        if self.rows is None:
            return self
        video, raw = map_tensors((self.video, self.raw_video), lambda t: t[self.rows])
        return dataclasses.replace(self, video=video, raw_video=raw, rows=None)


@dataclass
class Memory:
    """What an encoder returns.

    Attributes:
        video: Clips after fusion and encoding; highlight heads read these.
        context: What the decoder attends to (video only, or the joint sequence).
        text: Words after fusion, where the encoder keeps them.
        global_token: One vector per sample (B, D), e.g. the saliency token of QD-DETR.
        sentence: One vector per sentence (B, D).
        fusion_token: One vector per video-sentence pair (B, D) that moment queries are made from (SA-DETR's M_g).
        negative: The memory of the same videos with sentences that do not describe them.
        levels: The clips at several temporal resolutions, finest first, for heads that predict at each of them; None
            for ``video`` alone.
        proposals: Candidate moments, from encoders that make a map of them; ``video`` then has V rows.
        aux: Anything a specific loss needs.
    """

    video: Tokens
    context: Tokens
    text: Tokens | None = None
    global_token: Tensor | None = None
    sentence: Tensor | None = None
    fusion_token: Tensor | None = None
    negative: Memory | None = None
    levels: list[Tokens] | None = None
    proposals: Proposals | None = None
    aux: dict[str, Any] = field(default_factory=dict)


@dataclass
class JointSpace:
    """A space in which moments and sentences are compared.

    Attributes:
        moments: M moments of V videos (V, M, D).
        sentences: One vector per sentence (B, D).
    """

    moments: Tensor
    sentences: Tensor

    def unit(self) -> tuple[Tensor, Tensor]:
        """Moments (V, M, D) and sentences (B, D) of unit length."""
        return normalize(self.moments, dim=-1), normalize(self.sentences, dim=-1)

    def cosine(self, rows: Tensor | None = None) -> Tensor:
        """Cosine of every sentence with the moments of its video.

        Args:
            rows: Video of every sentence (B,); None where each has its own (V = B).

        Returns:
            Shape (B, M).
        """
        moments, sentences = self.unit()
        if rows is None:
            return (moments @ sentences.unsqueeze(-1)).squeeze(-1)
        # With every video, and then the own one: a copy of the moments for every sentence would be far larger.
        every = (sentences @ moments.flatten(0, 1).t()).unflatten(1, moments.shape[:2])
        return every[torch.arange(len(rows), device=rows.device), rows]


@dataclass
class Proposals:
    """Candidate moments of V videos, and B sentences, in the two joint spaces of MMN.

    Attributes:
        spans: (center, width) of the candidates (V, M, 2).
        contrastive: Space of the contrastive losses.
        iou: Space in which the cosine says how well a candidate fits.
    """

    spans: Tensor
    contrastive: JointSpace
    iou: JointSpace


@dataclass
class Points:
    """Places of a video, each of which predicts a span around itself. All lengths are parts of the video.

    Attributes:
        center: Where they are (B, P).
        size: Distance between neighbours of the same temporal resolution (B, P).
        low: A point answers for spans whose farther end is at least this far away (B, P), ...
        high: ... and less than this (B, P).
    """

    center: Tensor
    size: Tensor
    low: Tensor
    high: Tensor


@dataclass
class QueryGroup:
    """A contiguous block of moment queries.

    Attributes:
        name: ``direct`` for the queries that predict, anything else for auxiliary groups.
        start: First query of the block.
        stop: One past its last query.
        matched_gt: For groups whose target is known by construction: index of the ground-truth span of every
            query (B, n), -1 where a query has no target (negative noise or padding).
        mask: Which queries of the block exist (B, n); None means all.
        info: What a loss needs to know about the group, e.g. the pairs of positive and negative noise.
    """

    name: str
    start: int
    stop: int
    matched_gt: Tensor | None = None
    mask: Tensor | None = None
    info: dict[str, Any] = field(default_factory=dict)


@dataclass
class Queries:
    """Moment queries at the entrance of the decoder.

    Attributes:
        content: Content embedding (B, N, D).
        anchors: Spans (B, N, A), or None where queries have no anchor (Moment-DETR).
        pos: Learned positional embedding (B, N, D) where queries have no anchor.
        groups: The blocks that the N queries consist of, in order.
        attn_mask: Which query may look at which (B, N, N) or (N, N), True = may; None means all.
        init_sets: What the initializer itself predicts and losses supervise, none of it final.
    """

    content: Tensor
    anchors: Tensor | None = None
    pos: Tensor | None = None
    groups: list[QueryGroup] = field(default_factory=list)
    attn_mask: Tensor | None = None
    init_sets: list[PredictionSet] = field(default_factory=list)


@dataclass
class Decoded:
    """What a decoder returns.

    Attributes:
        hidden: Query states after every layer (S, B, N, D).
        anchors: Anchors at the entrance of every layer (S, B, N, A), with gradient.
        refined: Anchors after the update of every layer (S, B, N, A), with gradient.
        aux: Anything a specific head needs.
    """

    hidden: Tensor
    anchors: Tensor | None = None
    refined: Tensor | None = None
    aux: dict[str, Any] = field(default_factory=dict)


@dataclass
class PredictionSet:
    """Predictions of one group of queries at one layer: what set losses work on.

    Attributes:
        name: Group name (``direct``, ``noise``, ``init``, ``event``, ...).
        spans: Predicted (center, width) of shape (B, n, 2).
        layer: Decoder layer, counted from 0.
        final: Whether this set is the prediction of the model. Exactly one set is.
        logits: Foreground and background logits (B, n, 2), class 0 = foreground; or foreground alone (B, n, 1).
        quality: Predicted quality in [0, 1] (B, n).
        matched_gt: Known targets (see :class:`QueryGroup`); such a set is not matched.
        mask: Which predictions exist (B, n); None means all.
        targets: Other targets than the ground truth (e.g. pseudo events): spans (B, G', 2) and their mask (B, G').
        info: Copied from the group.
        points: Where the predictions come from, if from points of the video (n = P).
    """

    name: str
    spans: Tensor
    layer: int = 0
    final: bool = False
    logits: Tensor | None = None
    quality: Tensor | None = None
    matched_gt: Tensor | None = None
    mask: Tensor | None = None
    targets: tuple[Tensor, Tensor] | None = None
    info: dict[str, Any] = field(default_factory=dict)
    points: Points | None = None


@dataclass
class Outputs:
    """Everything that a forward pass produced.

    Attributes:
        features: Projected inputs.
        memory: Encoder output.
        queries: Decoder input; None without a decoder.
        decoded: Decoder output; None without a decoder.
        sets: All prediction sets.
        saliency: Highlight scores (B, Lv); padded clips hold meaningless values.
        negative_saliency: The same for sentences that do not describe the video, where the encoder made them.
    """

    features: Features
    memory: Memory
    queries: Queries | None
    decoded: Decoded | None
    sets: list[PredictionSet]
    saliency: Tensor | None = None
    negative_saliency: Tensor | None = None

    @property
    def final(self) -> PredictionSet:
        """The one set that is the prediction of the model.

        Raises:
            ValueError: If not exactly one set is final.
        """
        final = [s for s in self.sets if s.final]
        if len(final) != 1:
            raise ValueError(
                f'{len(final)} prediction sets are marked final, expected exactly one: '
                f'{[(s.name, s.layer) for s in self.sets]}'
            )
        return final[0]


@dataclass
class MomentTargets:
    """Ground truth of a batch, padded and on the device of the model.

    Attributes:
        spans: (center, width) of shape (B, G, 2); padding holds (0.5, 1), which keeps every cost finite.
        span_mask: Which spans exist (B, G).
        saliency: Highlight ratings (B, Lv), 0 on padding; 0..12 for three annotators of 0..4.
        clips: Clips inside a moment (B, Lv).
        pairs: Clip indices of ranked pairs (B, 2, P): ``[:, 0]`` should score above ``[:, 1]``; -1 = no pair.
        clip_mask: Valid clips (B, Lv).
        video_index: Integer per sample, equal for samples of the same source video (B,).
        views: Name of the view of every sample.
        classes: Class of every sample (B,), for data sets that have some.
        candidate_iou: IoU of every candidate moment with the ground truth (B, M), from who computed it already; None
            lets losses compute it. Many candidates inside a moment have the same, and the last bit ranks them.
    """

    spans: Tensor
    span_mask: Tensor
    saliency: Tensor
    clips: Tensor
    pairs: Tensor
    clip_mask: Tensor
    video_index: Tensor
    views: list[str]
    classes: Tensor | None = None
    candidate_iou: Tensor | None = None


def map_tensors(value: T, fn: Callable[[Tensor], Tensor]) -> T:
    """Apply ``fn`` to every tensor inside (nested) flow structures, lists, tuples and dicts.

    Args:
        value: Any structure of this module, a container of them, or a leaf.
        fn: Called on every tensor.

    Returns:
        The same structure with mapped tensors; other leaves are passed on unchanged.
    """
    if isinstance(value, Tensor):
        return fn(value)  # type: ignore[return-value]  # a tensor for a tensor, which T cannot say
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: map_tensors(getattr(value, f.name), fn) for f in dataclasses.fields(value)}
        return type(value)(**fields)
    if isinstance(value, dict):
        return type(value)((k, map_tensors(v, fn)) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return type(value)(map_tensors(v, fn) for v in value)
    return value
