"""Extras of which a test sets only the fields that it is about."""

import dataclasses

from mmvmr.structures import AdaptiveAttention, AlignmentTokens


def partial(kind, **values):
    """An extra with None in all other fields."""
    return kind(**{f.name: values.pop(f.name, None) for f in dataclasses.fields(kind)}, **values)


def correlation_extras(**values):
    """Whichever extras of CG-DETR have the given fields."""
    fields = {kind: {f.name for f in dataclasses.fields(kind)} for kind in (AlignmentTokens, AdaptiveAttention)}
    assert set(values) <= set().union(*fields.values())
    parts = {kind: {name: values[name] for name in names & set(values)} for kind, names in fields.items()}
    return tuple(partial(kind, **part) for kind, part in parts.items() if part)
