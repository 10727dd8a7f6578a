"""Outputs and targets small enough to check a loss by eye.

What a loss reads of a stage is set here and nowhere else in these tests.
"""

import torch
from partial_extras import correlation_extras, partial

from mmvmr.models.task_modules import Matched
from mmvmr.structures import (
    AdaptiveAttention,
    BoundaryPathways,
    Decoded,
    DenoisingPairs,
    ExtraInputs,
    Features,
    FrameMatch,
    JointSpace,
    Memory,
    MismatchedPairs,
    MomentTargets,
    Outputs,
    PooledText,
    PredictionSet,
    Proposals,
    Similarities,
    Tokens,
    to_center_width,
)

#: Two directions of the plane; the cosine of X and TILTED is 0.6, of Y and TILTED 0.8.
X, Y, TILTED = [1.0, 0.0], [0.0, 1.0], [0.6, 0.8]


def tokens(rows, mask=None):
    """A sequence per sample from nested lists, all valid unless said otherwise."""
    feat = torch.tensor(rows)
    return Tokens(feat, torch.ones(feat.shape[:2], dtype=torch.bool) if mask is None else torch.tensor(mask))


def truth(windows, clips=None, mask=None, saliency=None, pairs=None, videos=None, views=None, **others):
    """Targets of a batch.

    Args:
        windows: Normalised [start, end] per sample.
        clips: Clips inside a moment, 0 or 1; by default those that are rated, or two outside.
        mask: Clips that exist, 0 or 1.
        saliency: Ratings of the clips; by default those of ``clips``.
        pairs: Per sample the higher and the lower clips of ranked pairs.
        videos: Number of the source video of every sample.
        views: Names of the views.
        others: More fields of the targets.
    """
    batch, most = len(windows), max(1, *map(len, windows))
    spans = torch.tensor([0.5, 1.0]).repeat(batch, most, 1)
    exists = torch.zeros(batch, most, dtype=torch.bool)
    for row, sample in enumerate(windows):
        for column, window in enumerate(sample):
            spans[row, column] = to_center_width(torch.tensor(window))
            exists[row, column] = True
    if clips is None:
        clips = [[rating > 0 for rating in row] for row in saliency] if saliency else [[0, 0]] * batch
    inside = torch.tensor(clips).bool()
    return MomentTargets(
        spans=spans,
        span_mask=exists,
        saliency=torch.tensor(saliency or clips).float(),
        clips=inside,
        pairs=torch.tensor(pairs or [[[-1], [-1]]] * batch),
        clip_mask=torch.ones_like(inside) if mask is None else torch.tensor(mask).bool(),
        video_index=torch.arange(batch) if videos is None else torch.tensor(videos),
        views=views or ['main'] * batch,
        **{name: torch.tensor(value) for name, value in others.items()},
    )


def outputs(video=None, text=None, saliency=None, negative_saliency=None, real=None, sets=(), raw=None, rows=None):
    """Outputs of a model.

    Args:
        video: Clips, before and after the encoder; by default one clip per sample.
        text: Text tokens, likewise.
        saliency: Highlight scores.
        negative_saliency: The same under other sentences; ``real`` says which of these are true negatives.
        real: See above, 0 or 1 per sample.
        sets: Prediction sets.
        raw: Clips before projection.
        rows: Video of every sentence.
    """
    video = tokens([[X]]) if video is None else video
    features = Features(
        video,
        text,
        raw_video=None if raw is None else tokens(raw),
        rows=None if rows is None else torch.tensor(rows),
    )
    memory = Memory(video, video, text=text)
    if real is not None:
        memory.negative = Memory(video, video, extras=(MismatchedPairs(torch.tensor(real).bool()),))
    scores = (None if value is None else torch.tensor(value) for value in (saliency, negative_saliency))
    return Outputs(features, memory, None, None, list(sets), *scores)


def predictions(spans, name='direct', **fields):
    """A prediction set from nested lists."""
    options = {key: fields.pop(key) for key in ('layer', 'final') if key in fields}
    return PredictionSet(name, torch.tensor(spans), **options, **{k: torch.tensor(v) for k, v in fields.items()})


def matched(pairs, targets):
    """Pairs (sample, query, ground truth) as an assigner returns them."""
    batch, query, gt = torch.tensor(pairs, dtype=torch.long).reshape(-1, 3).unbind(1)
    return Matched(batch, query, gt, targets.spans[batch, gt])


def with_partners(found, partners):
    """Tell every noised query of a set its noisier partner, -1 for none."""
    found.add(DenoisingPairs(torch.tensor(partners)))
    return found


def with_attention(found, attention, negative=None, real=None):
    """Add how much every clip attends to the text, and the same under other sentences."""
    found.memory.add(partial(AdaptiveAttention, on_text=torch.tensor(attention)))
    if negative is not None:
        extras = (
            partial(AdaptiveAttention, on_text=torch.tensor(negative)),
            MismatchedPairs(torch.tensor(real).bool()),
        )
        found.memory.negative = Memory(found.memory.video, found.memory.video, extras=extras)
    return found


def with_boundaries(found, evidence):
    """Add evidence of starts and ends (2, B, L, D)."""
    pathways = partial(BoundaryPathways, evidence=torch.tensor(evidence))
    found.decoded = Decoded(torch.zeros(1, 1, 1, 1), extras=(pathways,))
    return found


def with_frame_probability(found, probability, mask):
    """Add the probability of every clip."""
    found.memory.add(partial(FrameMatch, prob=torch.tensor(probability), mask=torch.tensor(mask).bool()))
    return found


def with_candidates(found, contrastive, iou=None, spans=None):
    """Add candidate moments: pairs (moments, sentences) of both joint spaces."""
    spaces = [JointSpace(*(torch.tensor(part) for part in space)) for space in (contrastive, iou or contrastive)]
    spans = torch.tensor(spans or [[[0.5, 1.0]] * spaces[0].moments.shape[1]] * spaces[0].moments.shape[0])
    found.memory.proposals = Proposals(spans, *spaces)
    return found


def with_similarity(found, video, clips, sentence):
    """Add unit vectors of videos, clips and sentences."""
    found.memory.add(Similarities(*(torch.tensor(value) for value in (video, clips, sentence))))
    return found


def with_alignment(found, **values):
    """Add what the alignment tokens of CG-DETR are and see."""
    for extra in correlation_extras(**{name: torch.tensor(value) for name, value in values.items()}):
        found.memory.add(extra)
    return found


def with_sentence(found, sentence):
    """Add one vector per sentence."""
    found.memory.sentence = torch.tensor(sentence)
    return found


def with_classes(found, names):
    """Add vectors of the names of classes."""
    found.memory.add(partial(PooledText, classes=torch.tensor(names)))
    return found


def with_inputs(found, **inputs):
    """Add further inputs of the batch."""
    found.memory.add(ExtraInputs({name: torch.tensor(value) for name, value in inputs.items()}))
    return found
