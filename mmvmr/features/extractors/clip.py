"""Image and text towers of CLIP and models like it, through the ``transformers`` package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from mmvmr.features.base import TextExtractor, VideoExtractor
from mmvmr.features.extractors.pretrained import (
    encode_groups,
    load_image_processor,
    load_network,
    load_pretrained,
    tokenize,
)
from mmvmr.registry import EXTRACTORS


@EXTRACTORS.register_module()
class CLIPImageExtractor(VideoExtractor):
    """One projected image embedding per clip. Needs ``transformers`` and Pillow.

    Resizing, cropping and normalisation are those of the checkpoint's own image processor. Vectors are stored as they
    come (lengths of about 10 for CLIP), as in the published features of QVHighlights.

    Args:
        model: Folder or name of a CLIP-like checkpoint, e.g. ``openai/clip-vit-base-patch32``.
        clip_len: Length of a clip in seconds.
        position: Where in its clip the frame is taken: 0 at the start (published features at one frame per second), 0.5
            in the middle (published features at 2 s: ffmpeg's fps filter takes the last frame before the middle).
        rounding: See :func:`mmvmr.features.clip_count`.

    Raises:
        ImportError: If a package is missing.
        ValueError: If the checkpoint cannot be read, or has no image tower.
    """

    def __init__(self, model: str, clip_len: float, position: float = 0.0, rounding: str = 'ceil') -> None:
        name = type(self).__name__
        network = load_network(model, name)
        if not hasattr(network, 'get_image_features'):
            raise ValueError(f'{name}: model={model!r} is a {type(network).__name__}, which has no image tower')
        super().__init__(_dim(network, 'vision_config'), clip_len, position=position, rounding=rounding)
        network.text_model = None  # half of the memory
        self.network = network
        self.processor = load_image_processor(model, name)

    def prepare(self, frame: np.ndarray) -> Tensor:
        """Preprocess a frame (H, W, 3), uint8, with the image processor: (3, H', W'), float32, normalised."""
        options = dict(return_tensors='pt', input_data_format='channels_last')
        return self.processor(images=np.ascontiguousarray(frame), **options)['pixel_values'][0]

    def forward(self, clips: Tensor) -> Tensor:
        """Embed frames (B, 1, 3, H', W'), float32: (B, dim)."""
        return pooled(self.network.get_image_features(pixel_values=clips[:, 0]))


@EXTRACTORS.register_module()
class CLIPTextExtractor(TextExtractor):
    """Tokens and sentence embedding of the text tower. Needs ``transformers``.

    As in the published features of QVHighlights: ``last_hidden_state`` are the tokens after the last layer norm, with
    the start and end token, not projected; ``pooler_output`` is the projected embedding, comparable with images.

    Args:
        model: Folder or name of a CLIP-like checkpoint.
        pad_to: Pad every sentence to this many tokens, for models that were trained so and mask nothing (SigLIP: 64);
            padding is cut off the result. None pads nothing.

    Raises:
        ImportError: If a package is missing.
        ValueError: If the checkpoint cannot be read, or has no text tower.
    """

    def __init__(self, model: str, pad_to: int | None = None) -> None:
        name = type(self).__name__
        network = load_network(model, name)
        if not hasattr(network, 'get_text_features') or not hasattr(network, 'text_model'):
            raise ValueError(f'{name}: model={model!r} is a {type(network).__name__}, which has no text tower')
        super().__init__(network.config.text_config.hidden_size)
        network.vision_model = None
        self.network = network
        self.pad_to = pad_to
        self.tokenizer = load_pretrained('AutoTokenizer', model, name)
        # Tokenizers that do not know the limit of their model would let long sentences crash.
        self.longest = min(self.tokenizer.model_max_length, network.config.text_config.max_position_embeddings)

    def forward(self, sentences: Sequence[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        """See :class:`mmvmr.features.TextExtractor`."""
        ids = tokenize(self.tokenizer, sentences, type(self).__name__, max_length=self.pad_to or self.longest)
        lengths = [len(tokens) for tokens in ids]
        if self.pad_to is not None:
            pad = self.tokenizer.pad_token_id
            ids = [tokens + [pad] * (self.pad_to - len(tokens)) for tokens in ids]
        encoded = encode_groups(ids, next(self.network.parameters()).device, self._encode)
        return [(words[:length], pooled) for (words, pooled), length in zip(encoded, lengths)]

    def _encode(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        words = self.network.text_model(input_ids=tokens).last_hidden_state
        return words, pooled(self.network.get_text_features(input_ids=tokens))


def pooled(value: Any) -> Tensor:
    """The projected vectors (B, dim) that ``get_image_features`` and ``get_text_features`` of a network return."""
    # transformers 4 returns the tensor, 5 an output whose pooled vector is projected already.
    return value if isinstance(value, Tensor) else value.pooler_output


def _dim(network: Any, tower: str) -> int:
    config = network.config
    projected = getattr(config, 'projection_dim', None)
    return projected or getattr(config, tower).hidden_size
