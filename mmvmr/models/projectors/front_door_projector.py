"""Front-door adjustment of clips and text tokens with a memory of prototypes (CausalVTG)."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmvmr.models.layers import kmeans, masked_mean
from mmvmr.models.layers.attention import attend, check_heads
from mmvmr.models.losses.gather import gather_rows
from mmvmr.models.projectors.linear_projector import TEF_DIMS, projection_stack
from mmvmr.registry import MODELS
from mmvmr.structures import Features, Tokens


class PrototypeMemory(nn.Module):
    """Prototypes of whole videos or sentences in the space of the model (CausalVTG, global dictionary).

    A fixed random map (norm, linear, ReLU, norm, linear) takes means of input features into the space of the model.
    While training the prototype of the largest cosine moves half way to every mapped mean, one after the other::

        m <- momentum m + (1 - momentum) f(mean)

    Args:
        in_dims: Channels of the input features.
        embed_dims: Channels D of the model.
        num_prototypes: Prototypes K.
        momentum: What a prototype keeps of itself.
        input_dropout: Dropout inside the map, while training.
    """

    prototypes: Tensor

    def __init__(self, in_dims: int, embed_dims: int, num_prototypes: int, momentum: float, input_dropout: float):
        super().__init__()
        if num_prototypes < 1:
            raise ValueError(f'FrontDoorProjector: num_prototypes={num_prototypes}, expected at least 1')
        if not 0 <= momentum <= 1:
            raise ValueError(f'FrontDoorProjector: momentum={momentum}, expected a number from 0 to 1')
        self.momentum = momentum
        self.map = projection_stack(in_dims, embed_dims, 2, input_dropout)
        for module in self.map.modules():  # weights that nothing trains
            for name, weight in list(module.named_parameters(recurse=False)):
                delattr(module, name)
                module.register_buffer(name, weight.detach())
        self.register_buffer('prototypes', torch.empty(num_prototypes, embed_dims))
        with torch.no_grad():
            self.prototypes.copy_(self.map(nn.init.xavier_uniform_(torch.empty(num_prototypes, in_dims))))

    @torch.no_grad()
    def observe(self, means: Tensor) -> None:
        """Move the prototypes to means of input features (B, in_dims), in order, of all processes."""
        mapped, _ = gather_rows(self.map(means).float())
        nearest = (F.normalize(mapped, dim=1) @ F.normalize(self.prototypes, dim=1).t()).argmax(1)
        same = nearest[:, None] == nearest
        weight = (1 - self.momentum) * self.momentum ** same.triu(1).sum(1, keepdim=True)
        hits = F.one_hot(nearest, len(self.prototypes)).sum(0).unsqueeze(1)
        # A new tensor: a backward pass may still need the old one.
        self.prototypes = (self.prototypes * self.momentum**hits).index_add(0, nearest, weight * mapped)

    @torch.no_grad()
    def fit(self, means: np.ndarray) -> None:
        """Start from centres of clusters of means (N, in_dims); prototypes past the number of distinct ones stay."""
        distinct = torch.from_numpy(np.unique(means, axis=0)).float()
        centres = kmeans(distinct, min(len(distinct), len(self.prototypes)))
        training = self.map.training
        self.map.eval()
        self.prototypes[: len(centres)] = self.map(centres.to(self.prototypes.device))
        self.map.train(training)


class FrontDoor(nn.Module):
    """Attention to prototypes, mixed in by a gate (CausalVTG's front-door encoder).

    With attention a of x to the prototypes (no output projection) and two scores w::

        g = sigmoid(<w_a, a> + <w_x, x>)
        out = norm(g a + (1 - g) x)

    Args:
        embed_dims: Channels D.
        num_heads: Number of heads.
        dropout: Dropout of the attention weights.
    """

    def __init__(self, embed_dims: int, num_heads: int, dropout: float):
        super().__init__()
        self.num_heads = check_heads(self, embed_dims, num_heads)
        self.query = nn.Linear(embed_dims, embed_dims)
        self.key = nn.Linear(embed_dims, embed_dims)
        self.value = nn.Linear(embed_dims, embed_dims)
        self.dropout = dropout
        self.own_gate = nn.Linear(embed_dims, 1)
        self.attended_gate = nn.Linear(embed_dims, 1)
        self.norm = nn.LayerNorm(embed_dims)

    def forward(self, x: Tensor, prototypes: Tensor) -> Tensor:
        """Adjust a sequence (B, L, D) by prototypes (K, D)."""
        key, value = (layer(prototypes).expand(len(x), -1, -1) for layer in (self.key, self.value))
        dropout = self.dropout if self.training else 0.0
        attended = attend(self.query(x), key, value, self.num_heads, dropout=dropout)
        gate = (self.attended_gate(attended) + self.own_gate(x)).sigmoid()
        return self.norm(gate * attended + (1 - gate) * x)


@MODELS.register_module()
class FrontDoorProjector(nn.Module):
    """Attention of projected clips and text tokens to prototypes of all videos and sentences (CausalVTG).

    Prototypes come from clusters of the training data, which ``FitHook`` makes before the first step, and follow the
    samples that are trained on.

    Args:
        projector: Config of the wrapped projector.
        video_dims: Channels of a clip, those without a part in prototypes included.
        text_dims: Channels of a text token.
        embed_dims: Channels D of the model.
        text_embed_dims: Channels of projected text tokens; None for D.
        num_heads: Number of heads, of clips and of text tokens.
        num_prototypes: Prototypes of each modality.
        momentum: What a prototype keeps of itself, see :class:`PrototypeMemory`.
        dropout: Dropout of the attention weights.
        input_dropout: Dropout inside the map of means.
        endpoint_dims: Channels at the end of a clip without a part in prototypes: temporal endpoint features.
    """

    fitted: Tensor

    def __init__(
        self,
        projector: dict[str, Any],
        video_dims: int,
        text_dims: int,
        embed_dims: int,
        text_embed_dims: int | None = None,
        num_heads: int = 8,
        num_prototypes: int = 256,
        momentum: float = 0.5,
        dropout: float = 0.1,
        input_dropout: float = 0.5,
        endpoint_dims: int = TEF_DIMS,
    ):
        super().__init__()
        self.projector = MODELS.build({**projector, 'video_dims': video_dims, 'text_dims': text_dims})
        widths = {
            'video': (video_dims - endpoint_dims, embed_dims),
            'text': (text_dims, embed_dims if text_embed_dims is None else text_embed_dims),
        }
        memories = {name: PrototypeMemory(*w, num_prototypes, momentum, input_dropout) for name, w in widths.items()}
        self.memories = nn.ModuleDict(memories)
        self.doors = nn.ModuleDict({name: FrontDoor(w[1], num_heads, dropout) for name, w in widths.items()})
        self.pooled_dims = {name: w[0] for name, w in widths.items()}
        self.register_buffer('fitted', torch.tensor(False))

    def forward(self, inputs: dict[str, Tensor]) -> Features:
        """Project a padded batch; arguments and errors as in the wrapped projector.

        While training the prototypes take the batch in first. Unmatched sentences and names of classes are adjusted,
        too, and change no prototype.
        """
        features = self.projector(inputs)
        for name, memory in self.memories.items():
            if self.training:
                memory.observe(masked_mean(inputs[name][..., : self.pooled_dims[name]], inputs[f'{name}_mask']))
        names = {'video': 'video', 'text': 'text', 'negative_text': 'text', 'class_text': 'text'}
        adjusted = {name: self._adjusted(getattr(features, name), side) for name, side in names.items()}
        return dataclasses.replace(features, **adjusted)

    def _adjusted(self, tokens: Tokens | None, side: str) -> Tokens | None:
        if tokens is None:
            return None
        return tokens.replace(self.doors[side](tokens.feat, self.memories[side].prototypes))

    def fit(self, dataset: Any) -> None:
        """Make prototypes of training data.

        Args:
            dataset: A :class:`mmvmr.datasets.BaseMomentDataset`; its samples are loaded once, without augmentation.
        """
        videos, sentences = {}, []
        for index in range(len(dataset)):
            sample = dataset.loaded(index)
            videos[sample['vid']] = sample['video_feat'][:, : self.pooled_dims['video']].mean(0)
            sentences.append(sample['text_feat'].mean(0))
        self.memories['video'].fit(np.stack(list(videos.values())))
        self.memories['text'].fit(np.stack(sentences))
        self.fitted.fill_(True)
