"""Text encoders that train along with the model."""

from __future__ import annotations

import re
from typing import Any

from torch import Tensor, nn

from mmvmr.registry import MODELS
from mmvmr.utils.dependencies import refuse_model_code, require


@MODELS.register_module()
class TransformersTextEncoder(nn.Module):
    """A text model of the ``transformers`` package (DistilBERT in MMN, CLIP's text encoder in VDI). Needs the package.

    The architecture is part of the config, so that a checkpoint can be tested without fetching anything. Published
    weights are read once, when training starts.

    Args:
        architecture: ``model_type`` and options of ``transformers.AutoConfig``, e.g. ``dict(model_type='distilbert')``.
        pretrained: Name or folder of the weights that training starts from, in the safetensors format; None starts
            from random ones.
        model_class: Class in ``transformers``. A model with a ``text_projection``
            (``CLIPTextModelWithProjection``) gives projected text tokens, in the space of the images.
        trained: Regular expression of the parameters that train, searched in their names; None for all, ``'$^'`` for
            none.

    Raises:
        ImportError: If the package is missing.
        ValueError: If the architecture is unknown.
    """

    def __init__(
        self,
        architecture: dict[str, Any],
        pretrained: str | None = None,
        model_class: str = 'AutoModel',
        trained: str | None = None,
    ):
        super().__init__()
        transformers = require('transformers', type(self).__name__)
        options = dict(architecture)
        try:
            config = transformers.AutoConfig.for_model(options.pop('model_type', None), **options)
        except ValueError as error:
            raise ValueError(f'text_encoder.architecture={dict(architecture)}: {str(error).splitlines()[0]}') from None
        self._class = getattr(transformers, model_class)
        self.model = (
            self._class.from_config(config, trust_remote_code=False)
            if model_class.startswith('Auto')
            else self._class(config)
        )
        if getattr(self.model, 'pooler', None) is not None:
            self.model.pooler = None  # sentences are pooled from text tokens elsewhere, and it would get no gradient
        self.pretrained = pretrained
        if trained is not None:
            for name, parameter in self.model.named_parameters():
                parameter.requires_grad_(re.search(trained, name) is not None)

    def init_weights(self) -> None:
        """Read the pre-trained weights; the runner calls this before training.

        Raises:
            ValueError: If they do not fit the architecture.
        """
        if self.pretrained is None:
            return
        refuse_model_code(self.pretrained, 'text_encoder.pretrained')
        options = {'use_safetensors': True, 'trust_remote_code': False}
        state = self._class.from_pretrained(self.pretrained, **options).state_dict()
        expected = self.model.state_dict()
        state = {name: value for name, value in state.items() if not name.startswith('pooler.')}
        wrong = sorted(
            name for name in expected.keys() | state.keys() if name not in expected or name not in state
        ) or sorted(name for name, value in expected.items() if value.shape != state[name].shape)
        if wrong:
            raise ValueError(
                f'text_encoder.pretrained={self.pretrained!r} does not fit text_encoder.architecture: '
                f'{", ".join(wrong[:3])}{" ..." if len(wrong) > 3 else ""}'
            )
        self.model.load_state_dict(state)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Encode text tokens.

        Args:
            tokens: Token numbers (B, Lt, 1), as :class:`mmvmr.datasets.TokenIdStore` gives them.
            mask: Valid tokens (B, Lt).

        Returns:
            (B, Lt, Dw).
        """
        text_tokens = self.model(input_ids=tokens[..., 0].long(), attention_mask=mask.long()).last_hidden_state
        projection = getattr(self.model, 'text_projection', None)
        return text_tokens if projection is None else projection(text_tokens)
