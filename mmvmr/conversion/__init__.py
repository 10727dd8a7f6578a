"""The published implementations: their options, their parameter names, their recorded numbers.

Nothing in the models depends on this package. It translates: options of an official run to a config, an official
state dict to ours, and our outputs to official names, so that ``check_parity.py`` can compare them.
"""

from mmvmr.conversion.method import METHODS, OfficialMethod, find_method
from mmvmr.conversion.methods import (  # noqa: F401  (each module registers its method)
    bam_detr,
    bm_detr,
    cg_detr,
    eatr,
    mmn,
    moment_detr,
    qd_detr,
    snag,
    td_detr,
    tr_detr,
    univtg,
    uvcom,
)

__all__ = ['METHODS', 'OfficialMethod', 'find_method']
