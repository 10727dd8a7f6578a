"""Weight decay where it belongs, and learning rates by stage."""

from __future__ import annotations

from typing import Any

from mmengine.optim import DefaultOptimWrapperConstructor
from torch import nn

from mmvmr.registry import OPTIM_WRAPPER_CONSTRUCTORS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class MatrixDecayConstructor(DefaultOptimWrapperConstructor):
    """Decay weights of linear layers and convolutions; not biases, norms, factors and tokens (SnAG).

    What is decayed has more than one dimension and is not an embedding. ``paramwise_cfg=dict(lr_mult=dict(...))`` maps
    the beginning of parameter names to a factor of the learning rate; the longest one counts.

    Args:
        optim_wrapper_cfg: Config of the wrapper with its optimizer.
        paramwise_cfg: ``lr_mult``, see above.
    """

    def _validate_cfg(self) -> None:
        if unknown := set(self.paramwise_cfg) - {'lr_mult'}:
            raise ValueError(f'MatrixDecayConstructor: paramwise_cfg has {sorted(unknown)}, expected only lr_mult')
        self.paramwise_cfg = {'lr_mult': {}, **self.paramwise_cfg}  # not empty, or mmengine would not ask add_params

    def add_params(self, params: list[dict[str, Any]], module: nn.Module, **kwargs: Any) -> None:
        """Add one group per combination of learning rate and decay.

        Args:
            params: Groups, extended in place.
            module: The model.
            **kwargs: Unused.
        """
        embeddings = {id(m.weight) for m in module.modules() if isinstance(m, nn.Embedding)}
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name, parameter in module.named_parameters():
            if not parameter.requires_grad:
                continue
            decays = parameter.dim() > 1 and id(parameter) not in embeddings
            matches = [prefix for prefix in self.paramwise_cfg['lr_mult'] if name.startswith(prefix)]
            factor = self.paramwise_cfg['lr_mult'][max(matches, key=len)] if matches else 1.0
            decay = (self.base_wd or 0.0) if decays else 0.0
            groups.setdefault((self.base_lr * factor, decay), []).append(parameter)
        params += [{'params': group, 'lr': lr, 'weight_decay': decay} for (lr, decay), group in groups.items()]
