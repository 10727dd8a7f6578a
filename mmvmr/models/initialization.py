"""Initialisation of modules from a checkpoint."""

from __future__ import annotations

import logging

from mmengine.logging import print_log
from torch import nn

from mmvmr.registry import WEIGHT_INITIALIZERS
from mmvmr.utils.checkpoint import load_checkpoint_safe
from mmvmr.utils.weights import compare_weights, require_finite, require_fit, weights_of


@WEIGHT_INITIALIZERS.register_module(name='Pretrained')
class PretrainedInit:
    """Weights of a checkpoint, as ``init_cfg=dict(type='Pretrained', checkpoint=FILE)`` of any module.

    The weights have to be exactly those of the module; mmengine's initializer of the same name loads whatever fits.

    Args:
        checkpoint: The file.
        prefix: Use only the weights whose names begin with it, without it (``encoder.``).
        partial: Accept a file with only some of the weights, or with more of them.
        map_location: As in ``torch.load``.
    """

    def __init__(
        self, checkpoint: str, prefix: str | None = None, partial: bool = False, map_location: str = 'cpu'
    ) -> None:
        self.checkpoint = checkpoint
        self.prefix = None if prefix is None else prefix.rstrip('.') + '.'
        self.partial = partial
        self.map_location = map_location

    def __call__(self, module: nn.Module) -> None:
        """Load the weights.

        Args:
            module: Changed in place.

        Raises:
            WeightMismatchError: If they do not fit: with ``partial``, if none does.
        """
        checkpoint = load_checkpoint_safe(self.checkpoint, self.map_location)
        given = weights_of(checkpoint, self.checkpoint)
        if self.prefix is not None:
            start = self.prefix
            given = {name.removeprefix(start): value for name, value in given.items() if name.startswith(start)}
        fit = compare_weights(module.state_dict(), given)
        where = f'init_cfg of {type(module).__name__}: {self.checkpoint}'
        if not self.partial or not fit.fitting:
            require_fit(fit, checkpoint, where)
        chosen = {name: given[name] for name in fit.fitting}
        require_finite(chosen, where)
        module.load_state_dict(chosen, strict=False)
        if hasattr(module, '_params_init_info'):
            from mmengine.model import update_init_info  # loads every optimizer; a finder has none

            update_init_info(module, init_info=where)
        print_log(f'{where}: {fit.counts()}', logger='current', level=logging.INFO if fit.exact else logging.WARNING)
