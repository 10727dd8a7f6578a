"""What a component is: a registered, documented rewrite of a config."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any, ClassVar

from mmengine.config import Config

from mmvmr.registry import COMPONENTS


class CompositionError(ValueError):
    """A composition that makes no sense, told in one message."""


class AlreadyThereError(CompositionError):
    """The model has what the component would bring."""


class Stage(IntEnum):
    """When a component is applied: a later one finds what earlier ones made. Names break ties."""

    DATA = 0  # transforms and views
    FUSION = 1  # inside the encoder
    ENCODER = 2  # around the encoder
    QUERIES = 3  # the queries that predict
    GROUPS = 4  # what is made of them: further groups and sets
    DECODER = 5  # inside the decoder
    LOSSES = 6


class Component:
    """A part of a method, as a rewrite of any merged config.

    The first line of the docstring is its help, its constructor arguments are its options.

    Attributes:
        source: Paper and equation.
        slots: Config keys that it touches.
        stage: When it is applied.
        detectors: The detectors whose slots it fills; empty for a component of the data, which serves every detector.
        needs: Components without which it means nothing, unless the model has the like.
        excludes: Name of another component to the reason why the two do not go together.
    """

    source: ClassVar[str] = ''
    slots: ClassVar[tuple[str, ...]] = ()
    stage: ClassVar[Stage] = Stage.LOSSES
    detectors: ClassVar[tuple[str, ...]] = ('MomentDetector',)
    needs: ClassVar[tuple[str, ...]] = ()
    excludes: ClassVar[Mapping[str, str]] = {}

    def apply(self, cfg: Config) -> None:
        """Change a config in place.

        Args:
            cfg: A merged config, of which nothing is shared with another one.

        Raises:
            CompositionError: If the config has nothing that the component could act on, or has it already.
        """
        raise NotImplementedError


def component_names() -> list[str]:
    """Names of the registered components, sorted."""
    COMPONENTS.import_from_location()
    return sorted(COMPONENTS.module_dict)


def find_component(name: str) -> type[Component]:
    """Look a component up.

    Args:
        name: Its registered name, e.g. ``td.dynamics``. (A registry of mmengine takes what is in front of the dot for
            a scope, so its own look-up does not find it.)

    Returns:
        The class.

    Raises:
        CompositionError: If there is none of this name.
    """
    known = component_names()
    if name not in COMPONENTS.module_dict:
        raise CompositionError(f'no component `{name}`{closest(name, known)} (there are: {", ".join(known)})')
    return COMPONENTS.module_dict[name]


def component_options(kind: type[Component]) -> dict[str, Any]:
    """Options of a component and their defaults."""
    if kind.__init__ is object.__init__:
        return {}
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    return {p.name: p.default for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}


def component_help(kind: type[Component]) -> str:
    """One line that says what a component does."""
    return (inspect.getdoc(kind) or '').split('\n', 1)[0]


def closest(word: str, known: Iterable[str]) -> str:
    """A suggestion to put behind an error message; empty where nothing is similar."""
    found = difflib.get_close_matches(word, list(known), n=1)
    return f'; did you mean `{found[0]}`?' if found else ''
