"""Visual-dynamic injection: what dynamic tokens learn from the video (VDI, Luo et al., CVPR 2023).

The paper's text prints neither the rules nor the formulas of most steps. What is fixed by the paper or its
supplement: the two losses, their weights, which is consistent and which relational, that the query splits into static
tokens (Q^s) and dynamic tokens (Q^d), that Q^s guides what is taken from the video and Q^d receives it, and the
inference of the host. Everything else is a reconstruction, and an option.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvmr.models.layers import masked_mean
from mmvmr.models.layers.frame_guide import FrameGuide, frames_inside
from mmvmr.models.layers.response_encoder import normalise_responses
from mmvmr.models.losses.base import DenseLoss
from mmvmr.models.losses.gather import gather_rows, joint_ratio
from mmvmr.models.losses.proposal_losses import video_rows
from mmvmr.registry import MODELS
from mmvmr.structures import ExtraInputs, MomentTargets, Outputs
from mmvmr.structures.query_roles import DYNAMIC, STATIC
from mmvmr.utils import check_choice

_OPTIONS = {
    'form': ('consistent', 'relational'),
    'distance': ('default', 'cosine', 'mse', 'kl'),
    'inject': ('dynamic', 'sentence'),
    'guide_by': ('tokens', 'static_text'),
    'projection': ('linear', 'none'),
    'where': ('moment', 'video'),
    'response': ('minmax', 'softmax'),
}
_DISTANCES = {'consistent': ('cosine', 'mse'), 'relational': ('mse', 'kl')}


def tokens_of_role(outputs: Outputs, role: int) -> Tensor:
    """Mean of the tokens with a role (B, D); where a sentence has none, the sentence."""
    roles = _input(outputs, 'roles', 'SplitQuery')
    text = outputs.features.text
    mask = (roles == role) & text.mask
    return torch.where(mask.any(1, keepdim=True), masked_mean(text.feat, mask), outputs.memory.sentence)


def _input(outputs: Outputs, name: str, transform: str) -> Tensor:
    inputs = outputs.memory.extra(ExtraInputs, 'an injection loss').tensors
    if name not in inputs:
        raise ValueError(
            f'the injection losses need the input {name!r}: add the transform {transform} to pipeline.augment and '
            f"{name}='{name}' to pipeline.pack.inputs of the training data"
        )
    return inputs[name]


def consistency(a: Tensor, b: Tensor, distance: str) -> Tensor:
    """Distance (B,) of corresponding vectors (B, D): ``1 - cos`` (``cosine``), or ``mse`` of the unit vectors."""
    a, b = F.normalize(a, dim=-1), F.normalize(b, dim=-1)
    return 1 - (a * b).sum(-1) if distance == 'cosine' else (a - b).square().mean(-1)


def relation(a: Tensor, b: Tensor, valid: Tensor, distance: str, temperature: float) -> Tensor:
    """Distance between the similarity structures of two sets of vectors, over the joint batch.

    Args:
        a: (B, D), what the other set should be like.
        b: (B, D').
        valid: Samples that count (B,).
        distance: ``mse`` of the cosines, or ``kl`` between the softmaxes of their rows.
        temperature: Of the softmaxes.

    Returns:
        A scalar, the share of this process.
    """
    a, b = F.normalize(a, dim=-1), F.normalize(b, dim=-1)
    (all_a, _), (all_b, _) = gather_rows(a), gather_rows(b)
    counts = gather_rows(valid.unsqueeze(1).to(a.dtype))[0].squeeze(1) > 0
    similar_a, similar_b = a @ all_a.t(), b @ all_b.t()
    pairs = valid.unsqueeze(1) & counts
    if distance == 'mse':
        return joint_ratio(((similar_a - similar_b).square() * pairs).sum(), pairs.sum())
    # Finite, so that rows without any valid column have no NaN; they do not count.
    low = torch.finfo(a.dtype).min
    target = (similar_a / temperature).masked_fill(~counts, low).log_softmax(-1)
    log_probability = (similar_b / temperature).masked_fill(~counts, low).log_softmax(-1)
    rows = (target.exp() * (target - log_probability)).masked_fill(~counts, 0.0).sum(-1)
    return joint_ratio((rows * valid).sum(), valid.sum())


class _InjectionLoss(DenseLoss):
    """Pulls dynamic tokens towards what a video shows.

    A loss of weight 0 is switched off: it computes nothing and its parameters do not train.

    Args:
        word_dims: Channels of text tokens.
        video_dims: Channels of what the video gives.
        form: ``consistent``: sentence by sentence, between learned projections; ``relational``: the sentences should
            resemble each other as the videos do, over the batch.
        distance: ``cosine`` or ``mse`` (consistent), ``mse`` or ``kl`` (relational); ``default`` is the first.
        inject: ``dynamic``: into the dynamic tokens, Q^d; ``sentence``: into the whole sentence, Q (table 4).
        guide_by: Query of the video: the mean of the static ``tokens`` of the whole sentence, or
            ``static_text``, an encoding of only these tokens (see :class:`LoadStaticQuery`). Never with gradient.
        projection: Vectors that the consistent form compares: text tokens and video after a ``linear`` map each, W_d
            and W_c, or ``none``, both as they are, with equally many channels.
        joint_dims: Channels of the linear maps.
        relation_temperature: Of the ``kl`` distance.
        weight: Factor in the total.

    Raises:
        ValueError: If an option is unknown, the distance belongs to the other form, or widths differ where they must
            not.
    """

    def __init__(
        self,
        word_dims: int,
        video_dims: int,
        form: str,
        distance: str = 'default',
        inject: str = 'dynamic',
        guide_by: str = 'tokens',
        projection: str = 'linear',
        joint_dims: int = 256,
        relation_temperature: float = 0.1,
        weight: float = 1.0,
    ):
        super().__init__(weight)
        self._check(form=form, distance=distance, inject=inject, guide_by=guide_by, projection=projection)
        distances = _DISTANCES[form]
        self.distance = check_choice(
            f'{type(self).__name__} with form={form!r}',
            'distance',
            distances[0] if distance == 'default' else distance,
            distances,
        )
        self.form, self.inject, self.guide_by = form, inject, guide_by
        self.relation_temperature = relation_temperature
        if form == 'consistent' and projection == 'none' and word_dims != video_dims:
            raise ValueError(
                f"{type(self).__name__}: projection='none', but text tokens have {word_dims} channels and the video "
                f"side {video_dims}: set projection='linear'"
            )
        projected = form == 'consistent' and projection == 'linear'
        # Without bias: two equal biases would agree whatever the text tokens are.
        self.project_words = nn.Linear(word_dims, joint_dims, bias=False) if projected else nn.Identity()
        self.project_video = nn.Linear(video_dims, joint_dims, bias=False) if projected else nn.Identity()

    def _check(self, **options: str) -> None:
        for name, value in options.items():
            check_choice(self, name, value, _OPTIONS[name])

    def _switch(self) -> None:
        """Freeze the parameters of a loss of weight zero; called after the constructors."""
        if self.weight == 0:
            self.requires_grad_(False)

    def video_side(self, outputs: Outputs, targets: MomentTargets, guide: Tensor) -> Tensor:
        """Compute the video side, one vector per sentence.

        Args:
            outputs: Everything that the model produced.
            targets: Ground truth of the batch.
            guide: Vector of the static tokens (B, Dw), without gradient.

        Returns:
            (B, D).
        """
        raise NotImplementedError

    def forward(self, outputs: Outputs, targets: MomentTargets) -> Tensor:
        """Compute the loss over the sentences with a moment; see :meth:`DenseLoss.forward`."""
        if self.weight == 0:
            return outputs.memory.sentence.new_zeros(())
        tokens = tokens_of_role(outputs, DYNAMIC) if self.inject == 'dynamic' else outputs.memory.sentence
        if self.guide_by == 'tokens':
            guide = tokens_of_role(outputs, STATIC)
        else:
            guide = _input(outputs, 'static_text', 'LoadStaticQuery').squeeze(1)
        video = self.video_side(outputs, targets, guide.detach())
        valid = targets.span_mask.any(1)
        if self.form == 'relational':
            return relation(video, tokens, valid, self.distance, self.relation_temperature)
        each = consistency(self.project_words(tokens), self.project_video(video), self.distance)
        return joint_ratio((each * valid).sum(), valid.sum())


@MODELS.register_module()
class VisualContextLoss(_InjectionLoss):
    """Visual context injection: dynamic tokens learn the scene they happen in (VDI, L_vc; weight 0.5).

    The context is a mean of the frames of the moment, weighted by a softmax of their cosine with the static tokens;
    it has no gradient. The supplement's default is the consistent form; the relational one would make sentences of a
    common scene too, and loses 8 points (table 3).

    Args:
        word_dims: Channels of text tokens.
        frame_dims: Channels of frames.
        form: See :class:`_InjectionLoss`.
        space: See :class:`FrameGuide`.
        temperature: Of the softmax over frames (0.01 is the one that CLIP was trained to).
        where: Frames of the ``moment`` or of the whole ``video``.
        **kwargs: See :class:`_InjectionLoss`.
    """

    def __init__(
        self,
        word_dims: int,
        frame_dims: int,
        form: str = 'consistent',
        space: str = 'shared',
        temperature: float = 0.01,
        where: str = 'moment',
        **kwargs: Any,
    ):
        super().__init__(word_dims, frame_dims, form, **kwargs)
        self._check(where=where)
        self.temperature = temperature
        self.where = where
        self.guide = FrameGuide(word_dims, frame_dims, space)
        self._switch()

    def video_side(self, outputs: Outputs, targets: MomentTargets, guide: Tensor) -> Tensor:
        """The visual context (B, Df); see :meth:`_InjectionLoss.video_side`."""
        frames = outputs.features.raw_video.feat.detach()
        rows = video_rows(outputs)
        valid = frames.new_ones(len(rows), frames.shape[1], dtype=torch.bool)
        inside = frames_inside(targets.spans, targets.span_mask, valid) if self.where == 'moment' else valid
        cosine = torch.stack([self.guide(tokens, frames[video]) for tokens, video in zip(guide, rows.tolist())])
        weight = (cosine / self.temperature).masked_fill(~inside, -torch.inf).softmax(-1)
        return torch.stack([w @ frames[video] for w, video in zip(weight, rows.tolist())])


@MODELS.register_module()
class SpatialDynamicLoss(_InjectionLoss):
    """Spatial dynamic injection: dynamic tokens learn how the entity moves (VDI, L_sd; weight 0.01).

    Static tokens respond to the patches of every frame of the moment; the sequence of these response maps tells how
    the entity moves, and a small encoder makes a vector of it. The default of the supplement is the relational form.

    Args:
        word_dims: Channels of text tokens.
        frame_dims: Channels of patches.
        num_patches: Patches of a frame.
        form: See :class:`_InjectionLoss`.
        encoder: Config of the encoder of response maps, :class:`ResponseTransformer` (default) or
            :class:`ResponseGRU`; it gets ``num_patches``.
        encoder_dims: Its channels.
        space: See :class:`FrameGuide`.
        response: How the responses of a frame are normalised, ``minmax`` or ``softmax``.
        temperature: Of that softmax.
        **kwargs: See :class:`_InjectionLoss`.
    """

    def __init__(
        self,
        word_dims: int,
        frame_dims: int,
        num_patches: int,
        form: str = 'relational',
        encoder: dict[str, Any] | None = None,
        encoder_dims: int = 128,
        space: str = 'shared',
        response: str = 'minmax',
        temperature: float = 0.01,
        **kwargs: Any,
    ):
        super().__init__(word_dims, encoder_dims, form, **kwargs)
        self._check(response=response)
        self.response, self.temperature = response, temperature
        self.num_patches = num_patches
        self.guide = FrameGuide(word_dims, frame_dims, space)
        sizes = {'num_patches': num_patches, 'dims': encoder_dims}
        self.encoder = MODELS.build({'type': 'ResponseTransformer', **(encoder or {}), **sizes})
        self._switch()

    def video_side(self, outputs: Outputs, targets: MomentTargets, guide: Tensor) -> Tensor:
        """The spatial dynamics (B, encoder_dims); see :meth:`_InjectionLoss.video_side`."""
        patches = _input(outputs, 'patches', 'LoadPatches')
        if patches.shape[2] != self.num_patches:
            raise ValueError(
                f'frames have {patches.shape[2]} patches, losses.spatial_dynamic.num_patches={self.num_patches}: set '
                'it to the features'
            )
        rows = video_rows(outputs)
        valid = _input(outputs, 'patches_mask', 'LoadPatches')[rows]
        inside = frames_inside(targets.spans, targets.span_mask, valid)
        responses = torch.stack([self.guide(tokens, patches[video]) for tokens, video in zip(guide, rows.tolist())])
        return self.encoder(normalise_responses(responses, self.response, self.temperature), inside)
