"""Image and text towers of the ``open_clip`` package: Perception Encoder (PE-Core), MetaCLIP, DataComp and others."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmvmr.features.base import TextExtractor, VideoExtractor
from mmvmr.features.extractors.pretrained import encode_groups
from mmvmr.registry import EXTRACTORS
from mmvmr.utils.content import reason
from mmvmr.utils.dependencies import require

_HOW = 'pip install open-clip-torch, with the torchvision that fits your torch'


@EXTRACTORS.register_module()
class OpenCLIPImageExtractor(VideoExtractor):
    """One projected image embedding per clip. Needs ``open_clip``, which brings ``timm`` and ``torchvision``.

    Resizing, cropping and normalisation are those that ``open_clip_config.json`` of the checkpoint says. Vectors are
    stored as they come, not L2-normalised.

    Args:
        model: Folder of a checkpoint with ``open_clip_config.json``, or its name on the Hugging Face hub, e.g.
            ``timm/PE-Core-B-16``.
        clip_len: Length of a clip in seconds.
        position: Where in its clip the frame is taken: 0 at the start, 0.5 in the middle.
        rounding: See :func:`mmvmr.features.clip_count`.

    Raises:
        ImportError: If a package is missing.
        ValueError: If the checkpoint cannot be read.
    """

    def __init__(self, model: str, clip_len: float, position: float = 0.0, rounding: str = 'ceil') -> None:
        name = type(self).__name__
        config = _config(model, name)
        super().__init__(config['embed_dim'], clip_len, position=position, rounding=rounding)
        self.network, self.transform = _load(model, name)
        self.network.text = None  # the larger half of PE-Core-B

    def prepare(self, frame: np.ndarray) -> Tensor:
        """Preprocess a frame (H, W, 3), uint8, as the checkpoint says: (3, H', W'), float32, normalised."""
        from PIL import Image

        return self.transform(Image.fromarray(np.ascontiguousarray(frame)))

    def forward(self, clips: Tensor) -> Tensor:
        """Embed frames (B, 1, 3, H', W'), float32: (B, dim)."""
        return self.network.encode_image(clips[:, 0])


@EXTRACTORS.register_module()
class OpenCLIPTextExtractor(TextExtractor):
    """Tokens and sentence embedding of a text tower with CLIP's vocabulary. Needs ``open_clip``.

    ``last_hidden_state`` are the tokens after the last layer norm, with the start and end token, not projected;
    ``pooler_output`` is the projected embedding, comparable with images. Attention is causal, so that the padding that
    the package adds changes neither; it is left out.

    Args:
        model: As for :class:`OpenCLIPImageExtractor`.

    Raises:
        ImportError: If a package is missing.
        ValueError: If the checkpoint cannot be read, or its text tower has another vocabulary or attends to both sides
            (SigLIP: :class:`CLIPTextExtractor` reads it).
    """

    def __init__(self, model: str) -> None:
        name = type(self).__name__
        text = _config(model, name)['text_cfg']
        if other := sorted({'hf_tokenizer_name', 'no_causal_mask', 'embed_cls'} & {key for key in text if text[key]}):
            raise ValueError(
                f'{name}: the text tower of model={model!r} has {", ".join(other)}; expected the vocabulary of CLIP '
                'and causal attention. CLIPTextExtractor reads the same checkpoint in the format of transformers'
            )
        super().__init__(text['width'])
        self.network, _ = _load(model, name)
        self.network.visual = None
        self.network.text.output_tokens = True
        self.tokenizer = require('open_clip', name, _HOW).get_tokenizer(_schema(model))

    def forward(self, sentences: Sequence[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        """See :class:`mmvmr.features.TextExtractor`."""
        padded = self.tokenizer(list(sentences))  # (B, context), the end token has the highest number of all
        encoded = encode_groups(padded.tolist(), next(self.network.parameters()).device, self._encode)
        return [(words[:end], sentence) for (words, sentence), end in zip(encoded, (padded.argmax(dim=1) + 1).tolist())]

    def _encode(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        sentence, words = self.network.text(tokens)
        return words, sentence


def _schema(model: str) -> str:
    return f'local-dir:{model}' if Path(model).is_dir() else f'hf-hub:{model}'


def _config(model: str, user: str) -> dict[str, Any]:
    package = require('open_clip', user, _HOW)
    with _one_message(model, user):
        config = package.get_model_config(_schema(model))
        # Such a text tower is read by transformers, which offers to run code that comes with it.
        if config['text_cfg'].get('hf_model_name'):
            raise ValueError('its text tower is a model of transformers, which is not read here.')
        return config


def _load(model: str, user: str) -> tuple[torch.nn.Module, Any]:
    package = require('open_clip', user, _HOW)
    with _one_message(model, user):
        # All towers in the same layout: `visual` and `text`. Pickles are read as tensors only.
        network, transform = package.create_model_from_pretrained(
            _schema(model), force_custom_text=True, weights_only=True
        )
    return network.float().eval().requires_grad_(False), transform


@contextlib.contextmanager
def _one_message(model: str, user: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise ValueError(
            f'{user}: open_clip cannot read model={model!r}: {reason(error)} Give the folder of a downloaded '
            'checkpoint (open_clip_config.json and open_clip_model.safetensors), or its name on the hub where there '
            'is a network'
        ) from error
