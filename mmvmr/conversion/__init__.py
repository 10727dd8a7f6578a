"""Conversion of official checkpoints: options of the published implementations to configs, parameter names to ours."""

from mmvmr.conversion.method import OfficialMethod
from mmvmr.conversion.methods import (
    bam_detr,
    bm_detr,
    causal_vtg,
    cg_detr,
    eatr,
    flash_vtg,
    mmn,
    moment_detr,
    qd_detr,
    r2_tuning,
    snag,
    td_detr,
    tr_detr,
    univtg,
    uvcom,
)

__all__ = ['METHODS', 'OfficialMethod']

_MODULES = (
    bam_detr,
    bm_detr,
    causal_vtg,
    cg_detr,
    eatr,
    flash_vtg,
    mmn,
    moment_detr,
    qd_detr,
    r2_tuning,
    snag,
    td_detr,
    tr_detr,
    univtg,
    uvcom,
)
#: Name of a method to its maps.
METHODS: dict[str, OfficialMethod] = {module.METHOD.name: module.METHOD for module in _MODULES}
