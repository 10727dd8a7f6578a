"""Reports of an evaluation: merged, flattened, written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mmvmr.utils.io import nan_to_none

Report = dict[str, Any]


def merge_reports(parts: Sequence[Report]) -> Report:
    """Merge the reports of several evaluations of the same queries, figures in alphabetical order."""
    report: Report = {'brief': {}}
    reasons: dict[str, str] = {}
    for part in parts:
        report['brief'].update(part.get('brief', {}))
        reasons.update(part['reasons'])
        report.update({key: value for key, value in part.items() if key not in ('brief', 'reasons')})
    ordered = {'brief': report.pop('brief'), **dict(sorted(report.items()))}
    return {**ordered, 'reasons': reasons} if reasons else ordered


def flatten_report(report: Report) -> dict[str, float]:
    """The summary figures under flat names, e.g. ``MR-full-mAP``, for loggers and the choice of the best checkpoint."""
    return dict(report['brief'])


def report_to_json(report: Report) -> str:
    """A report as indented JSON text; NaN, which JSON does not have, is written as null."""
    return json.dumps(nan_to_none(report), indent=4, allow_nan=False)
