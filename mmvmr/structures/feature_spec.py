"""Specification of the features of a model: the streams, their order, dimensions, normalisation and clip length.

The same specification is declared in the config, written next to converted features and stored in checkpoints, so
that features of another kind are refused with a message instead of giving silently wrong moments.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

NORMALISATIONS = ('l2', 'none')


@dataclass(frozen=True)
class StreamSpec:
    """One source of feature vectors.

    Attributes:
        name: Name of the stream, e.g. ``slowfast`` or ``clip``.
        dim: Dimension of a vector.
        normalise: ``l2``: every vector x becomes ``x / (|x| + 1e-5)``; ``none``: vectors are used as stored.
        max_length: Largest number of vectors; None for all.
        stored_normalised: The files hold normalised vectors (packed features). It says nothing about what the model
            sees and therefore does not count in comparisons.
    """

    name: str
    dim: int
    normalise: str = 'l2'
    max_length: int | None = None
    stored_normalised: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        if self.dim < 1:
            raise ValueError(f'feature_spec: stream {self.name!r} has dim {self.dim}, expected a positive integer')
        if self.normalise not in NORMALISATIONS:
            raise ValueError(
                f'feature_spec: stream {self.name!r} has normalise={self.normalise!r}, expected one of {NORMALISATIONS}'
            )

    def __str__(self) -> str:
        cut = '' if self.max_length is None else f', first {self.max_length}'
        return f'{self.name}({self.dim}, {self.normalise}{cut})'


@dataclass(frozen=True)
class FeatureSpec:
    """Specification of the features of a data set or a model.

    Attributes:
        streams: Video streams in the order in which they are concatenated.
        text: The text stream; its ``max_length`` is the largest number of tokens.
        clip_len: Length of a clip in seconds.
        max_clips: Largest number of clips of a video; None for all.
        tef: Whether the two temporal endpoint features (i / L, (i + 1) / L) follow the last stream.
        surrogate: True for features made from annotations; no figure that they give is a result.

    Examples:
        >>> spec = FeatureSpec.from_dict(
        ...     dict(
        ...         streams=dict(slowfast=dict(dim=2304), clip=dict(dim=512)),
        ...         text=dict(dim=512, max_length=32),
        ...         clip_len=2.0,
        ...     )
        ... )
        >>> spec.video_dim
        2818
    """

    streams: tuple[StreamSpec, ...]
    text: StreamSpec
    clip_len: float
    max_clips: int | None = None
    tef: bool = True
    surrogate: bool = False

    def __post_init__(self) -> None:
        names = [s.name for s in self.streams]
        if not names:
            raise ValueError('feature_spec: no video stream is declared; give streams=dict(<name>=dict(dim=...))')
        if len(set(names)) != len(names):
            raise ValueError(f'feature_spec: the stream names are not unique: {names}')
        if not isinstance(self.clip_len, (int, float)) or not self.clip_len > 0:
            raise ValueError(f'feature_spec: clip_len is {self.clip_len!r}, expected a positive number of seconds')
        if self.max_clips is not None and (not isinstance(self.max_clips, int) or self.max_clips < 1):
            raise ValueError(f'feature_spec: max_clips is {self.max_clips!r}, expected a positive number or None')

    @property
    def video_dim(self) -> int:
        """Dimension of a clip as the model sees it, TEF included."""
        return sum(s.dim for s in self.streams) + (2 if self.tef else 0)

    @property
    def text_dim(self) -> int:
        """Dimension of a token."""
        return self.text.dim

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> FeatureSpec:
        """Build a specification from a config or from :meth:`to_dict`.

        Args:
            value: The attributes. ``streams`` is a dict of name to ``dict(dim=..., normalise=...)`` (None removes a
                stream that a base config declared) or a list of dicts that hold the name.

        Raises:
            ValueError: If a key is missing, unknown or has an impossible value.
        """
        names = {f.name for f in dataclasses.fields(cls)}
        if unknown := sorted(set(value) - names):
            raise ValueError(f'feature_spec: unknown keys {unknown}, expected some of {sorted(names)}')
        if absent := sorted({'streams', 'text', 'clip_len'} - set(value)):
            raise ValueError(f'feature_spec: the keys {absent} are missing')
        others = {k: v for k, v in value.items() if k not in ('streams', 'text')}
        return cls(
            streams=tuple(_stream(s) for s in _named(value['streams'])),
            text=_stream({'name': 'text', **value['text']}),
            **others,
        )

    def to_dict(self) -> dict[str, Any]:
        """The specification as plain Python values, for JSON files and checkpoints."""
        plain = dataclasses.asdict(self)
        plain['streams'] = list(plain['streams'])
        return plain

    def differences(self, other: FeatureSpec, here: str = 'here', there: str = 'there') -> list[str]:
        """List the differences from another specification.

        Args:
            other: The specification to compare with.
            here: How a message calls this specification.
            there: How a message calls the other one.

        Returns:
            One line per difference; empty when both are equal.
        """
        lines = []
        for f in dataclasses.fields(self):
            mine, theirs = getattr(self, f.name), getattr(other, f.name)
            if mine != theirs:
                lines.append(f'{f.name}: {_text(mine)} ({here}), {_text(theirs)} ({there})')
        return lines


def _named(streams: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    if isinstance(streams, Mapping):
        return [{'name': name, **cfg} for name, cfg in streams.items() if cfg is not None]
    return [dict(s) for s in streams]


def _stream(value: Mapping[str, Any]) -> StreamSpec:
    names = {f.name for f in dataclasses.fields(StreamSpec)}
    name = value.get('name', '?')
    if unknown := sorted(set(value) - names):
        raise ValueError(f'feature_spec: stream {name!r} has unknown keys {unknown}, expected some of {sorted(names)}')
    if 'dim' not in value:
        raise ValueError(f'feature_spec: stream {name!r} declares no dim')
    return StreamSpec(**value)


def _text(value: Any) -> str:
    return ' + '.join(map(str, value)) if isinstance(value, tuple) else str(value)
