"""Recorded names, one module per published implementation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parity.methods import (
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
from parity.recording import Recording

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
#: Name of a method to the names of its recordings.
RECORDINGS: dict[str, Recording] = {module.METHOD.name: module.RECORDING for module in _MODULES}


def find_recording(config: Mapping[str, Any], where: str) -> Recording:
    """The names of the recordings of the implementation that a folder comes from.

    Args:
        config: Its ``config.json``.
        where: The folder, for messages.

    Returns:
        The names.

    Raises:
        ValueError: If the repository is not known.
    """
    repository = str(config.get('repo', '')).removeprefix('https://github.com/').removesuffix('.git')
    for recording in RECORDINGS.values():
        if recording.method.repository.lower() == repository.lower():
            return recording
    known = ', '.join(sorted(recording.method.repository for recording in RECORDINGS.values()))
    raise ValueError(f'{where}/config.json: repo={repository!r} is not a known implementation; known: {known}')
