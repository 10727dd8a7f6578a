"""Names of files and entries that belong to annotation rows."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from typing import Any

from mmvmr.utils.paths import name_issue

Row = Mapping[str, Any]


class NameTemplate:
    """Gives every annotation row the name of its features, such as ``{vid}.npz`` or ``qid{qid}.npz``.

    Args:
        template: The name; ``{key}`` stands for a key of the annotation row.

    Raises:
        ValueError: If the template has a lone brace or a field that is not a key.
    """

    def __init__(self, template: str) -> None:
        self.template = template
        try:
            fields = [field for _, field, _, _ in string.Formatter().parse(template) if field is not None]
        except ValueError as error:
            raise ValueError(f'template {template!r}: {error}') from None
        if odd := [field for field in fields if not field.isidentifier()]:
            raise ValueError(
                f'template {template!r}: {{{odd[0]}}} names no key of the annotation rows; write {{vid}}, {{qid}} or '
                'another key'
            )

    def __call__(self, row: Row) -> str:
        """Name of the features of an annotation row: a relative path that never leads out of its folder.

        Raises:
            ValueError: If the row lacks a key of the template, or its value makes no such path.
        """
        try:
            name = self.template.format_map(row)
        except KeyError as error:
            raise ValueError(
                f'template {self.template!r}: the annotation rows have no key {error}, only {list(row)}'
            ) from None
        except (TypeError, ValueError) as error:
            raise ValueError(f'template {self.template!r}, {describe(row)}: {error}') from None
        if issue := name_issue(name):
            raise ValueError(
                f'{describe(row)}: {name!r} cannot be the name of its features: {issue}. Correct the annotation or '
                f'the template {self.template!r}'
            )
        return name

    def names(self, rows: Iterable[Row]) -> list[str]:
        """Names of the features of several rows in their order, each once."""
        return list(dict.fromkeys(map(self, rows)))


def describe(row: Row) -> str:
    """Name of an annotation row in messages: its vid and qid."""
    return ', '.join(f'{key} {row[key]!r}' for key in ('vid', 'qid') if key in row)
