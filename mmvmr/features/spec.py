"""Specification of an extraction: the config that ``mmvmr extract`` reads."""

from __future__ import annotations

import copy
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmvmr.features.base import AudioExtractor, TextExtractor, VideoExtractor
from mmvmr.registry import EXTRACTORS
from mmvmr.structures import FeatureSpec

TEXT = 'text'
Extractor = VideoExtractor | AudioExtractor | TextExtractor


@dataclass(frozen=True)
class ExtractionSpec:
    """Specification of an extraction: the features, their extractors and the output folders.

    Attributes:
        features: Specification of the features: streams with their dimensions, text, clip length.
        extractors: Stream name (and ``text``) to the config of its extractor, without ``clip_len``.
        folders: Stream name (and ``text``) to the folder of its files below the output.
        imports: Modules that register extractors of your own; every process imports them.
    """

    features: FeatureSpec
    extractors: dict[str, dict[str, Any]]
    folders: dict[str, str]
    imports: tuple[str, ...] = ()

    @classmethod
    def from_config(cls, cfg: Mapping[str, Any]) -> ExtractionSpec:
        """Read a config.

        Args:
            cfg: Has ``feature_spec``, as data set configs declare it, and ``extractors``: a dict of stream name, and
                ``text``, to ``dict(type=..., ...)``. ``folder`` in it is ``<name>_features`` by default.
                ``custom_imports`` works as in every config.

        Raises:
            ValueError: If a key is missing or unknown, or a stream has no extractor.
        """
        if absent := [key for key in ('feature_spec', 'extractors') if not cfg.get(key)]:
            raise ValueError(f'the keys {absent} are missing; see configs/features')
        features = FeatureSpec.from_dict(cfg['feature_spec'])
        names = [s.name for s in features.streams] + [TEXT]
        given = {name: value for name, value in cfg['extractors'].items() if value is not None}
        if lacking := [name for name in names if name not in given]:
            raise ValueError(f'feature_spec declares {lacking}, but extractors has only {sorted(given)}')
        if unknown := sorted(set(given) - set(names)):
            raise ValueError(f'extractors has {unknown}, but feature_spec declares only {names}; add their dim there')
        for name, extractor in given.items():
            if not isinstance(extractor, Mapping) or 'type' not in extractor:
                raise ValueError(f'extractors.{name} has no type: {extractor!r}')
            if 'clip_len' in extractor:
                raise ValueError(f'extractors.{name}.clip_len: all streams have that of feature_spec; remove it')
        given = {name: dict(given[name]) for name in names}
        folders = {name: str(given[name].pop('folder', f'{name}_features')) for name in names}
        if len(set(folders.values())) < len(folders):
            raise ValueError(f'two of the folders are the same: {folders}')
        imports = cfg.get('custom_imports') or {'imports': []}
        return cls(features, given, folders, tuple(imports['imports']))

    @property
    def streams(self) -> list[str]:
        """Names of the streams of a video, in their order."""
        return [s.name for s in self.features.streams]

    def dim(self, name: str) -> int:
        """Declared dimension of a stream, or of ``text``."""
        return {s.name: s.dim for s in (*self.features.streams, self.features.text)}[name]

    def build(self, name: str) -> Extractor:
        """Build the extractor of a stream, or of ``text``.

        Returns:
            The extractor, in eval mode.

        Raises:
            ImportError: If a package is missing.
            OSError: If a checkpoint is missing.
            ValueError: If a checkpoint is damaged, an option is wrong, or the dimension is another one than declared.
        """
        for module in self.imports:
            importlib.import_module(module)
        cfg = copy.deepcopy(self.extractors[name])
        if name != TEXT:
            cfg['clip_len'] = self.features.clip_len
        try:
            extractor = EXTRACTORS.build(cfg)
        except (KeyError, TypeError) as error:
            raise ValueError(f'extractors.{name}: {error.args[0] if error.args else error}') from error
        wanted = TextExtractor if name == TEXT else (VideoExtractor, AudioExtractor)
        if not isinstance(extractor, wanted):
            raise ValueError(f'extractors.{name}: a {type(extractor).__name__} cannot make this stream')
        if extractor.dim != self.dim(name):
            key = 'text' if name == TEXT else f'streams.{name}'
            raise ValueError(
                f'extractors.{name} makes vectors of {extractor.dim} numbers, but feature_spec.{key}.dim is '
                f'{self.dim(name)}; correct it, or take another checkpoint'
            )
        return extractor.eval()

    def to_dict(self) -> dict[str, Any]:
        """The settings that determine the extracted features, as plain Python."""
        return {
            'feature_spec': self.features.to_dict(),
            'extractors': json.loads(json.dumps(dict(self.extractors), default=str)),
            'folders': dict(self.folders),
        }


def check_extraction(model: FeatureSpec, made: FeatureSpec, source: Path | str) -> None:
    """Make sure that extracted features are those that a model was trained on.

    Args:
        model: Specification of the model.
        made: Specification of what is extracted.
        source: File for messages.

    Raises:
        ValueError: If streams, dimensions or the clip length differ.
    """
    wanted = {s.name: s.dim for s in (*model.streams, model.text)}
    given = {s.name: s.dim for s in (*made.streams, made.text)}
    if wanted != given or abs(model.clip_len - made.clip_len) > 1e-6:
        raise ValueError(
            f'{source}: the model takes {wanted} with clips of {model.clip_len:g} s, but the extraction makes '
            f'{given} with clips of {made.clip_len:g} s; name one that fits'
        )
