"""Features of videos and sentences as a model was trained on them."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmvmr.apis.feature_cache import FeatureCache, default_cache_dir
from mmvmr.apis.model_files import ModelFile
from mmvmr.features.decoding import VideoReader
from mmvmr.features.pipeline import extract_video
from mmvmr.features.spec import TEXT, ExtractionSpec
from mmvmr.registry import TASK_UTILS


class FeatureEncoder:
    """Extracts what a model needs, with networks that are built when they are first used.

    Args:
        file: The model, with its extraction.
        device: Where the networks are.
        cache_dir: Folder of the feature cache; None for the default one.
    """

    def __init__(self, file: ModelFile, device: torch.device, cache_dir: str | os.PathLike[str] | None = None) -> None:
        self.file = file
        self.device = device
        self.cache_dir = Path(cache_dir).expanduser() if cache_dir is not None else default_cache_dir()
        self._text: dict[str, np.ndarray] = {}

    @cached_property
    def extractors(self) -> dict[str, Any]:
        """Networks of the video streams, built for the first video."""
        extraction = self.extraction('encode a video')
        return {name: extraction.build(name).to(self.device) for name in extraction.streams}

    @cached_property
    def text_extractor(self) -> Any:
        """Network of the sentences, built for the first one."""
        return self.extraction('encode sentences').build(TEXT).to(self.device)

    def extraction(self, purpose: str) -> ExtractionSpec:
        """The extraction config that makes the features of the model.

        Args:
            purpose: What needs it, for the message.

        Returns:
            The specification.

        Raises:
            ValueError: If the checkpoint does not say.
        """
        if self.file.extraction is None:
            raise ValueError(
                f'{self.file.name}: the checkpoint does not say how its features are made, which is needed to '
                f'{purpose}. Name the specification: MomentFinder(..., spec=NAME), see configs/features'
            )
        return self.file.extraction

    def video(self, path: Path) -> tuple[Mapping[str, np.ndarray], float]:
        """Features of a video, from the cache where they are there.

        Args:
            path: The video file.

        Returns:
            Stream name to features (clips, dim), and the duration in seconds.

        Raises:
            VideoError: If it holds no video, or is damaged.
        """
        cache = FeatureCache(self.cache_dir, self.extraction('encode a video'))
        return self.cached(path, cache, cache.key(path))

    def cached(self, path: Path, cache: FeatureCache, key: str) -> tuple[Mapping[str, np.ndarray], float]:
        """Features of a video as :meth:`video` returns them, with a cache and the key of the video in it."""
        if (entry := cache.read(key)) is not None:
            return entry
        reader = VideoReader(path)
        streams = extract_video(reader, self.extractors, self.device)
        cache.write(key, streams, reader.duration, path.name)
        return streams, reader.duration

    def sentences(self, sentences: Sequence[str]) -> list[np.ndarray]:
        """Text features of sentences; each sentence is encoded once in the life of the encoder.

        Args:
            sentences: The sentences.

        Returns:
            (tokens, dim) each.
        """
        if self.file.text_store is not None:
            store = TASK_UTILS.build({**self.file.text_store, 'data_root': ''})
            return [store.read({'query': sentence, 'qid': 0, 'vid': ''}) for sentence in sentences]
        new = [s for s in dict.fromkeys(sentences) if s not in self._text]
        extractor, size = self.text_extractor if new else None, 64
        for start in range(0, len(new), size):
            batch = new[start : start + size]
            for sentence, (tokens, pooled) in zip(batch, extractor(batch)):
                self._text[sentence] = pooled[None] if self.file.text_key == 'pooler_output' else tokens
        return [self._text[sentence] for sentence in sentences]

    def notes(self, sentences: Sequence[str]) -> tuple[str, ...]:
        """Remarks about sentences that the text encoder takes only in part, or perhaps not at all.

        Args:
            sentences: Sentences that were encoded.

        Returns:
            One remark per reason.
        """
        extraction = self.file.extraction
        config = {} if extraction is None else extraction.extractors[TEXT]
        name = config.get('model') or config.get('type') or 'the one of the model'
        notes = []
        if foreign := [s for s in sentences if any(c.isalpha() and 'LATIN' not in unicodedata.name(c, '') for c in s)]:
            notes.append(
                f'"{foreign[0][:40]}" is not in Latin script; the text encoder is {name}: unless it was trained on '
                'this language, the moments mean nothing'
            )
        extractor: Any = self.__dict__.get('text_extractor')
        limit = getattr(extractor, 'pad_to', None) or getattr(extractor, 'longest', None)
        for sentence in sentences:
            if limit is None or len(sentence) <= limit:  # a token has at least one character
                continue
            count = len(extractor.tokenizer(sentence, verbose=False)['input_ids'])
            if count > limit:
                notes.append(f'"{sentence[:40]} ..." has {count} tokens, of which {name} takes the first {limit}')
        return tuple(notes)
