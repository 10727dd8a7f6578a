"""BERT without the ``transformers`` package, whose import takes longer than everything else that answers a sentence.

Devlin et al.: BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding, NAACL 2019. Names of
weights are those of checkpoints on the hub.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmvmr.utils.io import read_json

#: What a folder has to hold to be read here.
_FILES = ('config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors')
_PLAIN = {'model_type': 'bert', 'hidden_act': 'gelu', 'position_embedding_type': 'absolute', 'is_decoder': False}

#: Parts of a layer of torch and those of a checkpoint that they consist of.
_LAYER = {
    'self_attn.in_proj_': [f'attention.self.{part}' for part in ('query', 'key', 'value')],
    'self_attn.out_proj.': ['attention.output.dense'],
    'norm1.': ['attention.output.LayerNorm'],
    'linear1.': ['intermediate.dense'],
    'linear2.': ['output.dense'],
    'norm2.': ['output.LayerNorm'],
}


class Bert(nn.Module):
    """The encoder of BERT for sentences of equal length, without padding, dropout and pooler.

    Args:
        weights: Names to tensors of a checkpoint; a prefix ``bert.`` is ignored.
        layers: Number of layers.
        heads: Attention heads.
        eps: Of the layer norms.

    Raises:
        KeyError: If a weight is absent.
    """

    def __init__(self, weights: dict[str, Tensor], layers: int, heads: int, eps: float) -> None:
        super().__init__()
        weights = {name.removeprefix('bert.'): value.float() for name, value in weights.items()}
        self.words, self.positions, self.types = (
            nn.Embedding.from_pretrained(weights[f'embeddings.{kind}_embeddings.weight'])
            for kind in ('word', 'position', 'token_type')
        )
        hidden, width = weights['encoder.layer.0.intermediate.dense.weight'].shape
        with torch.device('meta'):  # weights are assigned, not drawn
            self.norm = nn.LayerNorm(width, eps)
            layer = nn.TransformerEncoderLayer(width, heads, hidden, 0.0, 'gelu', eps, batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        state = {}
        for kind in ('weight', 'bias'):
            state[f'norm.{kind}'] = weights[f'embeddings.LayerNorm.{kind}']
            for number in range(layers):
                for name, parts in _LAYER.items():
                    joined = [weights[f'encoder.layer.{number}.{part}.{kind}'] for part in parts]
                    state[f'encoder.layers.{number}.{name}{kind}'] = torch.cat(joined)
        self.load_state_dict(state, strict=False, assign=True)

    def forward(self, tokens: Tensor) -> Tensor:
        """Encode sentences.

        Args:
            tokens: Token numbers (B, L).

        Returns:
            Last hidden states (B, L, D).
        """
        x = self.words(tokens) + self.positions.weight[: tokens.shape[1]] + self.types.weight[0]
        return self.encoder(self.norm(x))


class BertTokenizer:
    """The tokenizer of a folder; called as those of ``transformers`` are.

    Args:
        folder: Has ``tokenizer.json`` and ``tokenizer_config.json``.

    Attributes:
        model_max_length: Most tokens of a sentence, special ones included.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer  # comes with transformers, but is imported at once

        self.tokenizer = Tokenizer.from_file(str(folder / 'tokenizer.json'))
        self.tokenizer.no_padding()
        self.model_max_length = int(read_json(folder / 'tokenizer_config.json').get('model_max_length', 512))

    def __call__(
        self, sentences: str | list[str], truncation: bool = False, max_length: int | None = None, **_: Any
    ) -> dict[str, Any]:
        """Token numbers.

        Args:
            sentences: One sentence or many.
            truncation: Cut to ``max_length``, or to ``model_max_length``.
            max_length: Most tokens.

        Returns:
            ``input_ids``: one list, or a list per sentence.
        """
        if truncation:
            self.tokenizer.enable_truncation(max_length or self.model_max_length)
        else:
            self.tokenizer.no_truncation()
        one = isinstance(sentences, str)
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch([sentences] if one else sentences)]
        return {'input_ids': ids[0] if one else ids}


def read_bert(model: str) -> tuple[Bert, BertTokenizer, dict[str, Any]] | None:
    """Read an ordinary BERT.

    Args:
        model: Folder of a checkpoint, or anything else.

    Returns:
        Network, tokenizer and configuration; None for what this module does not read: no folder, another model, a
        checkpoint without fast tokenizer or safetensors, or one that is damaged.
    """
    folder = Path(model)
    if not all((folder / name).is_file() for name in _FILES):
        return None
    config = read_json(folder / 'config.json')
    if any(config.get(key, plain) != plain for key, plain in _PLAIN.items()) or 'model_type' not in config:
        return None
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        heads, eps = config['num_attention_heads'], config.get('layer_norm_eps', 1e-12)
        network = Bert(load_file(folder / 'model.safetensors'), config['num_hidden_layers'], heads, eps)
        return network.eval().requires_grad_(False), BertTokenizer(folder), config
    except (AssertionError, KeyError, RuntimeError, SafetensorError):
        return None  # transformers says what is wrong
