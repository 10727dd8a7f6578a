"""Tokens of the last layers of CLIP's towers, for models that refine them layer by layer (R2-Tuning)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.features.extractors.clip import CLIPImageExtractor, CLIPTextExtractor, pooled
from mmvmr.registry import EXTRACTORS
from mmvmr.utils import check_choice

TOKENS = ('all', 'class')


def last_layers(tower: nn.Module, count: int, run: Callable[[], Any]) -> Tensor:
    """Outputs of the last layers of a tower, before its last norm.

    Args:
        tower: A tower of ``transformers`` whose layers are ``encoder.layers``.
        count: Number of layers K.
        run: Calls the tower once.

    Returns:
        (B, K, L, C), the last layer at the end.
    """
    outputs: list[Tensor] = []

    def keep(layer: nn.Module, arguments: Any, output: Any) -> None:
        outputs.append(output if isinstance(output, Tensor) else output[0])  # transformers 4 returns tuples

    handles = [layer.register_forward_hook(keep) for layer in tower.encoder.layers[-count:]]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return torch.stack(outputs, dim=1)


def _checked_layers(extractor: nn.Module, tower: nn.Module, count: int) -> int:
    layers = len(tower.encoder.layers)
    if not 1 <= count <= layers:
        raise ValueError(f'{type(extractor).__name__}: num_layers={count}, expected 1 to {layers}, which the tower has')
    return count


@EXTRACTORS.register_module()
class CLIPImageLayersExtractor(CLIPImageExtractor):
    """The tokens of a frame in the last layers of the image tower, as one vector. Needs ``transformers`` and Pillow.

    A vector is the array [layers, tokens, channels], the last layer at the end and the class token in front, row after
    row: the features that R2-Tuning publishes are such arrays of 4 layers, 50 tokens and 768 channels (ViT-B/32).

    Args:
        num_layers: Layers, counted from the last.
        tokens: ``all``, or the ``class`` token only.
        kwargs: ``model``, ``clip_len``, ``position`` and ``rounding`` of :class:`CLIPImageExtractor`.

    Raises:
        ImportError: If a package is missing.
        ValueError: If the checkpoint cannot be read, has no image tower with a class token or too few layers, or
            ``tokens`` is unknown.
    """

    def __init__(self, *args: Any, num_layers: int = 4, tokens: str = 'all', **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tokens = check_choice(self, 'tokens', tokens, TOKENS)
        tower = self.network.vision_model
        if not hasattr(tower.embeddings, 'class_embedding'):
            name, kind = type(self).__name__, type(self.network).__name__
            raise ValueError(f'{name}: the image tower of a {kind} has no class token; give a CLIP checkpoint')
        self.num_layers = _checked_layers(self, tower, num_layers)
        positions = tower.embeddings.num_positions if tokens == 'all' else 1
        self.dim = num_layers * positions * tower.config.hidden_size

    def forward(self, clips: Tensor) -> Tensor:
        """Tokens of frames (B, 1, 3, H', W'), float32: (B, layers * tokens * channels)."""
        tower = self.network.vision_model
        layers = last_layers(tower, self.num_layers, lambda: tower(pixel_values=clips[:, 0]))
        return (layers if self.tokens == 'all' else layers[:, :, :1]).flatten(1)


@EXTRACTORS.register_module()
class CLIPTextLayersExtractor(CLIPTextExtractor):
    """The text tokens in the last layers of the text tower. Needs ``transformers``.

    A text token is the array [layers, channels], the last layer at the end, row after row, before the last layer norm:
    R2-Tuning publishes 4 layers of 512 channels. ``pooler_output`` is the projected embedding of the sentence.

    Args:
        num_layers: Layers, counted from the last.
        kwargs: ``model`` and ``pad_to`` of :class:`CLIPTextExtractor`.

    Raises:
        ImportError: If a package is missing.
        ValueError: If the checkpoint cannot be read, or has no text tower or too few layers.
    """

    def __init__(self, *args: Any, num_layers: int = 4, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.num_layers = _checked_layers(self, self.network.text_model, num_layers)
        self.dim = num_layers * self.network.config.text_config.hidden_size

    def _encode(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        network, sentences = self.network, []
        layers = last_layers(
            network.text_model, self.num_layers, lambda: sentences.append(network.get_text_features(input_ids=tokens))
        )
        return layers.transpose(1, 2).flatten(2), pooled(sentences[0])
