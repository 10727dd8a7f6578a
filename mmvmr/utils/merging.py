"""Configs of components that name what is different from another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merge_configs(base: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """Merge component configs recursively to a new one; a component of another ``type`` replaces that of ``base``."""
    if override.get('type', base.get('type')) != base.get('type'):
        return dict(override)
    merged = dict(base)
    for key, value in override.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge_configs(merged[key], value) if both else value
    return merged
