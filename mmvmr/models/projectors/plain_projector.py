"""One linear layer for clips and one for text tokens, without norm or dropout (SnAG)."""

from __future__ import annotations

from torch import Tensor, nn

from mmvmr.models.projectors.linear_projector import check_dims
from mmvmr.registry import MODELS
from mmvmr.structures import Features, Tokens


@MODELS.register_module()
class PlainProjector(nn.Module):
    """Map clips and text tokens to separate widths.

    Args:
        video_dims: Channels of a clip.
        text_dims: Channels of a text token.
        embed_dims: Channels D of the model.
        text_embed_dims: Channels D' of text tokens inside the model; None leaves the text tokens as they are.
    """

    def __init__(self, video_dims: int, text_dims: int, embed_dims: int, text_embed_dims: int | None = None):
        super().__init__()
        self.dims = {'video': video_dims, 'text': text_dims}
        self.video = nn.Linear(video_dims, embed_dims)
        self.text = nn.Identity() if text_embed_dims is None else nn.Linear(text_dims, text_embed_dims)
        for layer in (self.video, self.text):
            if isinstance(layer, nn.Linear):
                nn.init.zeros_(layer.bias)

    def forward(self, inputs: dict[str, Tensor]) -> Features:
        """Project a padded batch.

        Args:
            inputs: ``video`` (V, Lv, Dv), ``video_mask`` (V, Lv), ``text`` (B, Lt, Dt), ``text_mask`` (B, Lt), and
                ``video_index`` (B,) where V is not B. Videos or sentences may be absent: the other is projected alone,
                and ``raw_video`` are the clips of videos that have been encoded before.

        Returns:
            Projected features without positions.

        Raises:
            ValueError: If the features have other dimensions than the projector was built for.
        """
        present = {name: dims for name, dims in self.dims.items() if name in inputs}
        check_dims(inputs, present)
        tokens = {
            name: Tokens(getattr(self, name)(feat), inputs[f'{name}_mask'], raw=feat)
            for name, feat in inputs.items()
            if name in present
        }
        raw = inputs.get('raw_video', inputs.get('video'))
        raw_video = None if raw is None else Tokens(raw, inputs['video_mask'])
        return Features(tokens.get('video'), tokens.get('text'), raw_video=raw_video, rows=inputs.get('video_index'))
