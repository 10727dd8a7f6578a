"""Structures that flow between the stages of the detectors.

Shapes use ``B`` samples, ``Lv`` clips, ``Lt`` tokens, ``N`` moment queries, ``S`` decoder layers, ``P`` points, ``G``
ground-truth spans (padded) and ``D`` channels. Spans are normalised ``(center, width)`` in [0, 1] unless a name says
``windows`` (seconds). Every mask is boolean with True = valid.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from torch import Tensor

from mmvmr.structures.candidates import Points, Proposals
from mmvmr.structures.extras import Extra, WithExtras
from mmvmr.structures.tensors import Tokens, batch_axis, map_tensors


@dataclass
class Features:
    """Projected inputs.

    Attributes:
        video: Clips.
        text: Text tokens.
        negative_text: Text tokens of a sentence that does not describe the video, when a transform supplied one.
        raw_video: The clips before projection (B, Lv', Dv), for components that look at the input features.
        attention: Attention weights of the clips on the text tokens (B, Lv, Lt), after a fusion that returns them.
        rows: Which video a sentence is about (B,), where a video stands once for several sentences: ``video`` and
            ``raw_video`` then have V rows instead of B. None where every sentence has its own row.
        class_text: Text tokens of the names of classes (C, Lc, D), for a loss that tells them apart.
    """

    video: Tokens
    text: Tokens
    negative_text: Tokens | None = None
    raw_video: Tokens | None = None
    attention: Tensor | None = None
    rows: Tensor | None = None
    class_text: Tokens | None = field(default=None, metadata=batch_axis(None))

    def paired(self) -> Features:
        """The same features with a row of video for every sentence."""
        if self.rows is None:
            return self
        rows = self.rows

        def repeated(t: Tensor) -> Tensor:
            return t.expand(len(rows), *t.shape[1:]) if len(t) == 1 else t[rows]  # a single video is not copied

        video, raw = map_tensors((self.video, self.raw_video), repeated)
        return dataclasses.replace(self, video=video, raw_video=raw, rows=None)


@dataclass
class Memory(WithExtras):
    """Output of an encoder.

    Attributes:
        video: Clips after fusion and encoding; highlight heads receive these.
        context: What the decoder attends to (video only, or the joint sequence).
        text: Text tokens after fusion, where the encoder keeps them.
        global_token: One vector per sample (B, D), e.g. the saliency token of QD-DETR.
        sentence: One vector per sentence (B, D).
        fusion_token: One vector per video-sentence pair (B, D) that moment queries are made from (SA-DETR's M_g).
        negative: The memory of the same videos with sentences that do not describe them.
        levels: The clips at several temporal resolutions, finest first, for heads that predict at each of them; None
            for ``video`` alone.
        proposals: Candidate moments, from encoders that make a map of them; ``video`` then has V rows.
        fused: Clips after the fusion and before the encoder layers (B, Lv, D), where the encoder keeps them.
        extras: Results of single components that others ask for.
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
    fused: Tensor | None = None

    @property
    def fused_clips(self) -> Tensor:
        """Clips after the fusion (B, Lv, D); the encoded ones where the encoder does not tell them apart."""
        return self.video.feat if self.fused is None else self.fused


@dataclass(frozen=True)
class MismatchedVideos(Extra):
    """Sentences of the batch encoded with the videos of other samples, while training (CausalVTG).

    Attributes:
        memories: One of B pairs for every choice of videos (M).
        same_video: Pairs whose video is of the same source as that of the sentence after all (B, M).
    """

    written_by = 'MismatchedVideoEncoder, while training: set it as model.encoder'

    memories: tuple[Memory, ...]
    same_video: Tensor


@dataclass
class QueryGroup(WithExtras):
    """A contiguous block of moment queries.

    Attributes:
        name: ``direct`` for the queries that predict, anything else for auxiliary groups.
        start: First query of the block.
        stop: One past its last query.
        matched_gt: For groups whose target is known by construction: index of the ground-truth span of every
            query (B, n), -1 where a query has no target (negative noise or padding).
        mask: Which queries of the block exist (B, n); None means all.
        extras: Properties of the group that a loss asks for, e.g. its pairs of denoising queries.
    """

    name: str
    start: int
    stop: int
    matched_gt: Tensor | None = None
    mask: Tensor | None = None


@dataclass
class Queries:
    """Moment queries at the entrance of the decoder.

    Attributes:
        content: Content embedding (B, N, D).
        anchors: Spans (B, N, A), or None where queries have no anchor (Moment-DETR).
        pos: Learned positional embedding (B, N, D) where queries have no anchor.
        groups: The blocks that the N queries consist of, in order.
        attn_mask: Which query may attend to which (B, N, N), True = may; None means all.
        init_sets: What the initializer itself predicts and losses supervise, none of it final.
    """

    content: Tensor
    anchors: Tensor | None = None
    pos: Tensor | None = None
    groups: list[QueryGroup] = field(default_factory=list)
    attn_mask: Tensor | None = None
    init_sets: list[PredictionSet] = field(default_factory=list)


@dataclass
class Decoded(WithExtras):
    """Output of a decoder.

    Attributes:
        hidden: Query states after every layer (S, B, N, D).
        anchors: Anchors at the entrance of every layer (S, B, N, A), with gradient.
        refined: Anchors after the update of every layer (S, B, N, A), with gradient.
        extras: Results of the decoder that a head or a loss asks for.
    """

    hidden: Tensor = field(metadata=batch_axis(1))
    anchors: Tensor | None = field(default=None, metadata=batch_axis(1))
    refined: Tensor | None = field(default=None, metadata=batch_axis(1))


@dataclass
class PredictionSet(WithExtras):
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
        extras: Those of the group, and what the head adds.
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
    points: Points | None = None


@dataclass
class Existence:
    """Existence of any moment: whether the video shows what the sentence describes at all.

    Attributes:
        logits: As trained (B,).
        probability: Calibrated probability (B,).
        accepted: Where the probability is above the threshold of the model (B,).
        mismatched: Logits of the sentences with M videos of other samples (B, M), from heads that judge them while
            training.
        same_video: Pairs of those whose video is of the same source after all (B, M).
    """

    logits: Tensor
    probability: Tensor
    accepted: Tensor
    mismatched: Tensor | None = None
    same_video: Tensor | None = None


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
        existence: Whether there is a moment, from detectors with an existence head.
    """

    features: Features
    memory: Memory
    queries: Queries | None
    decoded: Decoded | None
    sets: list[PredictionSet]
    saliency: Tensor | None = None
    negative_saliency: Tensor | None = None
    existence: Existence | None = None

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
        described: Which sentences describe anything in their video (B,), False where a sample has neither a span nor
            a clip inside one; None where all do.
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
    described: Tensor | None = None
    candidate_iou: Tensor | None = None
