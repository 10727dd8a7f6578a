"""Description of a published implementation, as far as converting its checkpoints needs it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from mmengine.config import ConfigDict
from torch import Tensor, nn

from mmvmr.utils.config import read_config
from mmvmr.utils.paths import configs_dir
from mmvmr.utils.weights import compare_weights

#: Options of an official run, by their official names.
Options = Mapping[str, Any]


@dataclass(frozen=True)
class OfficialMethod:
    """A published implementation: what its options and its parameters are called here.

    All patterns are regular expressions that match a whole official parameter name.

    Attributes:
        name: Name of the method, which is also its config folder.
        repository: ``owner/name`` of the official code on GitHub.
        base: Model config in ``configs/_base_/models`` that the official options change.
        options: Official options to changes of that config; raises ValueError for an option without a counterpart.
        keys: Patterns and replacements, official parameter name to ours. The first match counts.
        unused: Patterns of official parameters that never receive a gradient and do not exist here.
        layouts: Patterns of official parameters that are stored in another shape, with the function that changes it.
        hints: State dict, without the prefix of a parallel wrapper, to options that only the weights reveal.
        defaults: Official options that all published checkpoints share, where these hold none.
        added: Name to value of what we keep and official checkpoints do not.
    """

    name: str
    repository: str
    base: str
    options: Callable[[Options], dict[str, Any]]
    keys: tuple[tuple[str, str], ...]
    unused: tuple[str, ...] = ()
    layouts: tuple[tuple[str, Callable[[Tensor], Tensor]], ...] = ()
    hints: Callable[[Mapping[str, Tensor]], dict[str, Any]] = lambda state: {}
    defaults: Options = field(default_factory=dict)
    added: Mapping[str, float | bool] = field(default_factory=dict)

    def model_config(self, options: Options, overrides: Mapping[str, Any] | None = None) -> ConfigDict:
        """The model config that corresponds to official options.

        Args:
            options: Options of the official run.
            overrides: Further changes of the model config.

        Returns:
            Config of the detector.
        """
        cfg = read_config(configs_dir() / '_base_' / 'models' / self.base)
        cfg.merge_from_dict({'model': self.options(options)})
        cfg.merge_from_dict({'model': dict(overrides or {})})
        return cfg.model

    def rename(self, key: str) -> str | None:
        """Our name of an official parameter.

        Args:
            key: Official name; a leading ``module.`` of a parallel wrapper is ignored.

        Returns:
            The name, or None for parameters that the official code never uses.

        Raises:
            KeyError: If the name is unknown.
        """
        key = key.removeprefix('module.')
        for pattern, replacement in self.keys:
            match = re.fullmatch(pattern, key)
            if match:
                return match.expand(replacement)
        if self._is_unused(key):
            return None
        raise KeyError(f'{self.name}: no rule for the official parameter {key!r}')

    def convert(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Official state dict to ours; unused parameters are left out."""
        renamed = ((self.rename(key), self._arrange(key, value)) for key, value in state.items())
        converted = {key: value for key, value in renamed if key is not None}
        return {**converted, **{key: torch.tensor(value) for key, value in self.added.items()}}

    def _arrange(self, key: str, value: Tensor) -> Tensor:
        for pattern, arrange in self.layouts:
            if re.fullmatch(pattern, key.removeprefix('module.')):
                return arrange(value)
        return value

    def load(self, model: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Load official weights strictly.

        Args:
            model: Model to load into.
            state: Official state dict.

        Returns:
            The converted state dict.

        Raises:
            ValueError: If a parameter is missing, left over, unknown or of another shape.
        """
        try:
            converted = self.convert(state)
        except KeyError as error:
            raise ValueError(str(error.args[0])) from None
        expected = model.state_dict()
        # Some official modules exist whether or not an option uses them.
        idle = {self.rename(key) for key in state if self._is_unused(key)}
        converted = {key: value for key, value in converted.items() if key in expected or key not in idle}
        # Buffers of losses, which official checkpoints do not keep.
        buffers = {name for name, _ in model.named_buffers() if name.startswith('criterion.')}
        converted = {**{key: value for key, value in expected.items() if key in buffers}, **converted}
        fit = compare_weights(expected, converted)
        if not fit.exact:
            raise ValueError(f'{self.name}: the weights do not fit the model: {fit.counts()}. Check the options')
        model.load_state_dict(converted)
        return converted

    def _is_unused(self, key: str) -> bool:
        return any(re.fullmatch(pattern, key.removeprefix('module.')) for pattern in self.unused)
