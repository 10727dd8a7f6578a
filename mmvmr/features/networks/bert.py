"""BERT without the ``transformers`` package, whose import takes longer than everything else that answers a sentence.

Devlin et al.: BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding, NAACL 2019. Names of
weights are those of checkpoints on the hub.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from mmvmr.utils.io import read_json

#: What a folder has to hold to be read here.
_FILES = ('config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors')
_PLAIN = {'model_type': 'bert', 'hidden_act': 'gelu', 'position_embedding_type': 'absolute', 'is_decoder': False}


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
        self.layers, self.heads, self.eps = layers, heads, eps
        named = {name.removeprefix('bert.'): value.float() for name, value in weights.items()}
        parts = ('attention.self.query', 'attention.self.key', 'attention.self.value', 'attention.output.dense')
        parts += ('attention.output.LayerNorm', 'intermediate.dense', 'output.dense', 'output.LayerNorm')
        used = ['embeddings.LayerNorm', *(f'encoder.layer.{n}.{part}' for n in range(layers) for part in parts)]
        wanted = [f'{name}.{kind}' for name in used for kind in ('weight', 'bias')]
        wanted += [f'embeddings.{kind}_embeddings.weight' for kind in ('word', 'position', 'token_type')]
        for name in wanted:
            self.register_parameter(name.replace('.', '_'), nn.Parameter(named[name], requires_grad=False))

    def _get(self, name: str) -> tuple[Tensor, Tensor]:
        prefix = name.replace('.', '_')
        return getattr(self, f'{prefix}_weight'), getattr(self, f'{prefix}_bias')

    def _normed(self, x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], *self._get(name), self.eps)

    def forward(self, tokens: Tensor) -> Tensor:
        """Encode sentences.

        Args:
            tokens: Token numbers (B, L).

        Returns:
            Last hidden states (B, L, D).
        """
        x = F.embedding(tokens, self.embeddings_word_embeddings_weight)
        x = x + self.embeddings_position_embeddings_weight[: tokens.shape[1]]
        x = self._normed(x + self.embeddings_token_type_embeddings_weight[0], 'embeddings.LayerNorm')
        for number in range(self.layers):
            layer = f'encoder.layer.{number}'
            query, key, value = (
                F.linear(x, *self._get(f'{layer}.attention.self.{part}'))
                .unflatten(-1, (self.heads, -1))
                .transpose(1, 2)
                for part in ('query', 'key', 'value')
            )
            mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
            mixed = F.linear(mixed, *self._get(f'{layer}.attention.output.dense'))
            x = self._normed(x + mixed, f'{layer}.attention.output.LayerNorm')
            wide = F.gelu(F.linear(x, *self._get(f'{layer}.intermediate.dense')))
            wide = F.linear(wide, *self._get(f'{layer}.output.dense'))
            x = self._normed(x + wide, f'{layer}.output.LayerNorm')
        return x


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
        return network.eval(), BertTokenizer(folder), config
    except (KeyError, SafetensorError):
        return None  # transformers says what is wrong
