"""Weight initialisation shared by all transformer stages."""

from torch import nn


def xavier_(module: nn.Module) -> None:
    """Xavier-uniform initialisation of every parameter with more than one dimension, as DETR does.

    Args:
        module: Initialised in place.
    """
    for parameter in module.parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter)


def truncated_normal_(module: nn.Module, std: float = 0.02) -> None:
    """Truncated normal initialisation of every parameter with more than one dimension (FlashVTG).

    Args:
        module: Initialised in place.
        std: Standard deviation.
    """
    for parameter in module.parameters():
        if parameter.dim() > 1:
            nn.init.trunc_normal_(parameter, std=std)
