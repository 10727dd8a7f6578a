"""Models of the ``transformers`` package by name or folder, with one clear message where they cannot be read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmvmr.utils.content import reason
from mmvmr.utils.dependencies import bundled_model, refuse_model_code, require


def load_pretrained(loader: str, model: str, user: str, **options: Any) -> Any:
    """Read anything with ``from_pretrained``.

    Weights are read from safetensors, or from PyTorch files without running code that is stored in them; code that
    comes with a checkpoint is never run.

    Args:
        loader: Class in ``transformers`` with ``from_pretrained``, e.g. ``AutoModel``.
        model: Folder of a checkpoint (``save_pretrained``), its name, or ``package:NAME`` for the model that a Python
            package carries.
        user: Who needs it, for the message.
        **options: For ``from_pretrained``.

    Returns:
        What was read.

    Raises:
        ImportError: If the package is missing.
        ValueError: If the checkpoint cannot be read.
    """
    transformers = require('transformers', user)
    model = bundled_model(model, user)
    refuse_model_code(model, user)
    try:
        with _without_bar(transformers.utils.logging):
            return getattr(transformers, loader).from_pretrained(model, trust_remote_code=False, **options)
    except (OSError, ValueError, KeyError, RuntimeError, _safetensor_error()) as error:
        raise ValueError(
            f'{user}: {loader} cannot read model={model!r}: {reason(error)} Give the folder of a downloaded checkpoint '
            '(config.json, weights, tokenizer and image processor files), or its name where there is a network. '
            '`mmvmr find` takes the folder in a file for --spec, which inherits the specification and sets '
            'extractors = dict(STREAM=dict(model=FOLDER))'
        ) from error


def load_network(model: str, user: str) -> torch.nn.Module:
    """Read a network, and make sure that all its weights are there (the package would draw the others at random).

    Args:
        model: Folder of a checkpoint, or its name.
        user: Who needs it, for the message.

    Returns:
        The network in eval mode, in float32, without gradients.

    Raises:
        ImportError: If the package is missing.
        ValueError: If the checkpoint cannot be read or lacks weights.
    """
    network, loaded = load_pretrained('AutoModel', model, user, output_loading_info=True)
    # Pre-training goes without the pooler of BERT, and nothing here uses it.
    if missing := sorted(key for key in loaded['missing_keys'] if not key.startswith('pooler.')):
        raise ValueError(
            f'{user}: the checkpoint model={model!r} lacks {len(missing)} weights of a {type(network).__name__}: '
            f'{", ".join(missing[:3])}{" ..." if len(missing) > 3 else ""}'
        )
    return network.float().eval().requires_grad_(False)


def _safetensor_error() -> type[Exception]:
    from safetensors import SafetensorError  # comes with transformers

    return SafetensorError


@contextlib.contextmanager
def _without_bar(logging: Any) -> Iterator[None]:
    """Without the progress bar over the weights of a file, which every process would draw."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def load_image_processor(model: str, user: str) -> Any:
    """Read an image processor that works with Pillow, as those did that published features were made with."""
    major = int(require('transformers', user).__version__.split('.')[0])
    options = {'backend': 'pil'} if major >= 5 else {'use_fast': False}
    return load_pretrained('AutoImageProcessor', model, user, **options)


def encode_groups(
    token_ids: Sequence[Sequence[int]], device: torch.device, encode: Callable[[Tensor], tuple[Tensor, Tensor]]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Encode sentences in groups with the same number of tokens: without padding nothing depends on the neighbours.

    Args:
        token_ids: Token numbers of every sentence.
        device: Where ``encode`` computes.
        encode: Makes of token numbers (B, L) the tokens (B, L, D) and the sentences (B, D').

    Returns:
        Tokens and vector of every sentence, float32.
    """
    groups: dict[int, list[int]] = {}
    for index, ids in enumerate(token_ids):
        groups.setdefault(len(ids), []).append(index)
    results: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for group in groups.values():
        with torch.inference_mode():
            encoded = encode(torch.tensor([token_ids[i] for i in group], device=device))
            results.update(zip(group, zip(*(part.float().cpu().numpy() for part in encoded))))
    return [results[i] for i in range(len(token_ids))]


def tokenize(tokenizer: Any, sentences: Sequence[str], user: str, **options: Any) -> list[list[int]]:
    """Token numbers of sentences, special tokens included; longer ones are cut to what the model can take.

    Args:
        tokenizer: A tokenizer of the package.
        sentences: The sentences.
        user: Who asks, for the message.
        **options: For the tokenizer.

    Returns:
        One list per sentence.

    Raises:
        ValueError: If a sentence has no token.
    """
    ids = tokenizer(list(sentences), truncation=True, **options)['input_ids']
    for sentence, tokens in zip(sentences, ids):
        if not tokens:
            raise ValueError(f'{user}: the sentence {sentence!r} has no token')
    return ids
