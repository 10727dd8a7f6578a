"""Components: registered, documented rewrites of a config."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from enum import IntEnum
from importlib.metadata import entry_points
from typing import Any, ClassVar

from mmengine.config import Config

from mmvmr.registry import COMPONENTS
from mmvmr.utils.choices import closest


class CompositionError(ValueError):
    """A composition that makes no sense; the message says why."""


class AlreadyThereError(CompositionError):
    """A model that already has what the component would add."""


class Stage(IntEnum):
    """Order in which components are applied: later ones see the changes of earlier ones. Names break ties."""

    DATA = 0  # transforms and views
    FUSION = 1  # inside the encoder
    ENCODER = 2  # around the encoder
    QUERIES = 3  # the queries that predict
    GROUPS = 4  # further groups and sets of queries
    DECODER = 5  # inside the decoder
    LOSSES = 6


class Component:
    """A part of a method, as a change to any merged config.

    The first line of the docstring is its help, its constructor arguments are its options.

    Attributes:
        source: Paper and equation.
        slots: Config keys that it changes.
        stage: Its place in the order.
        detectors: The detectors whose slots it fills; empty for a component of the data, which serves every detector.
        needs: Components that it only makes sense with, unless the model has an equivalent.
        excludes: Name of another component to the reason why the two do not go together.
        reasons: Name of another detector to the reason why the component makes no sense there.
    """

    source: ClassVar[str] = ''
    slots: ClassVar[tuple[str, ...]] = ()
    stage: ClassVar[Stage] = Stage.LOSSES
    detectors: ClassVar[tuple[str, ...]] = ('MomentDetector',)
    needs: ClassVar[tuple[str, ...]] = ()
    excludes: ClassVar[Mapping[str, str]] = {}
    reasons: ClassVar[Mapping[str, str]] = {}

    def apply(self, cfg: Config) -> None:
        """Change a config in place.

        Args:
            cfg: A merged config, of which nothing is shared with another one.

        Raises:
            CompositionError: If the config has no place for the component, or has it already.
        """
        raise NotImplementedError


def component_names() -> list[str]:
    """Names of the registered components, sorted.

    Packages register theirs on import, which an entry point of the group ``mmvmr.components`` asks for::

        [project.entry-points."mmvmr.components"]
        example = "example_project"

    Raises:
        CompositionError: If such a package cannot be imported.
    """
    COMPONENTS.import_from_location()
    for entry in entry_points(group='mmvmr.components'):
        try:
            entry.load()
        except Exception as error:  # whatever the package does when it is imported
            raise CompositionError(
                f'entry point `{entry.name} = {entry.value}` of mmvmr.components: {type(error).__name__}: {error}; '
                'repair or uninstall that package'
            ) from error
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
    names = component_names()
    if name not in COMPONENTS.module_dict:
        listed = ', '.join(names)
        raise CompositionError(
            f'no component `{name}`{closest(name, names)} (there are: {listed}). Those of another package need '
            '--import-module PACKAGE, an entry point, or custom_imports in the base config'
        )
    return COMPONENTS.module_dict[name]


def component_options(kind: type[Component]) -> dict[str, Any]:
    """Options of a component and their defaults."""
    if kind.__init__ is object.__init__:
        return {}
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    return {p.name: p.default for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}


def component_help(kind: type[Component]) -> str:
    """First line of the docstring of a component."""
    return (inspect.getdoc(kind) or '').split('\n', 1)[0]


def refuse_idle(kind: type[Component], given: Mapping[str, Any], why: str) -> None:
    """Refuse options that would change nothing; a run with them would silently equal one without.

    Args:
        kind: The component.
        given: Name to value of the options that have no effect here; one at its default was not asked for.
        why: The reason.

    Raises:
        CompositionError: If one of them is not at its default.
    """
    defaults = component_options(kind)
    if idle := [f'{name}={value!r}' for name, value in given.items() if value != defaults[name]]:
        raise CompositionError(f'{", ".join(idle)} would change nothing: {why}')
