"""Tokens of sentence encoders (MiniLM and others of the sentence-transformers family) and of other text models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmvmr.features.base import TextExtractor
from mmvmr.features.extractors.pretrained import encode_groups, load_network, load_pretrained, tokenize
from mmvmr.features.networks.bert import read_bert
from mmvmr.registry import EXTRACTORS
from mmvmr.utils import check_choice
from mmvmr.utils.dependencies import bundled_model

POOLS = ('mean', 'first')


@EXTRACTORS.register_module()
class SentenceExtractor(TextExtractor):
    """Tokens of a text encoder, and the embedding of the sentence. Needs the extra ``extract``.

    Sentence-transformers checkpoints are ordinary ones followed by a pooling, so the package itself is not needed:
    ``last_hidden_state`` are the tokens, special ones included; ``pooler_output`` is what ``encode`` of that package
    returns for checkpoints that pool like this. BERT in a folder is read by
    :mod:`mmvmr.features.networks.bert`, all else by ``transformers``.

    Args:
        model: Folder or name, e.g. ``sentence-transformers/all-MiniLM-L6-v2``.
        pool: ``mean`` of the tokens, or the ``first`` one.
        normalise: The embedding of the sentence has length 1.
        max_length: Longest sentence in tokens; None takes what the tokenizer says.

    Raises:
        ImportError: If a package is missing.
        ValueError: If the checkpoint cannot be read or the pooling is unknown.
    """

    def __init__(self, model: str, pool: str = 'mean', normalise: bool = True, max_length: int | None = None) -> None:
        name = type(self).__name__
        check_choice(self, 'pool', pool, POOLS)
        network, tokenizer, config = read_bert(folder := bundled_model(model, name)) or _from_transformers(folder, name)
        super().__init__(config['hidden_size'])
        self.network, self.tokenizer = network, tokenizer
        self.pool, self.normalise = pool, normalise
        limits = (max_length, self.tokenizer.model_max_length, config.get('max_position_embeddings'))
        self.longest = min(limit for limit in limits if limit is not None)

    def forward(self, sentences: Sequence[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        """See :class:`mmvmr.features.TextExtractor`."""
        ids = tokenize(self.tokenizer, sentences, type(self).__name__, max_length=self.longest)
        return encode_groups(ids, next(self.network.parameters()).device, self._encode)

    def _encode(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        words = self.network(tokens)
        pooled = words.mean(dim=1) if self.pool == 'mean' else words[:, 0]
        return words, torch.nn.functional.normalize(pooled, dim=-1) if self.normalise else pooled


def _from_transformers(model: str, user: str) -> tuple[torch.nn.Module, Any, dict[str, Any]]:
    network = load_network(model, user)
    return _LastStates(network), load_pretrained('AutoTokenizer', model, user), network.config.to_dict()


class _LastStates(torch.nn.Module):
    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.network(input_ids=tokens).last_hidden_state.float()
