"""The finder: sentences about a video in, moments in seconds out."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmvmr.apis.answers import Answer, Answers, Moment
from mmvmr.apis.feature_encoder import FeatureEncoder
from mmvmr.apis.folders import EncodedFolder, EncodedVideos, encode_videos, find_named_videos, in_order
from mmvmr.apis.inputs import checked_sentences, local_file
from mmvmr.apis.model_files import ModelFile, load_model_file
from mmvmr.apis.predictor import Predictor, WindowedVideo
from mmvmr.apis.window_length import WindowLength
from mmvmr.apis.windows import MergedPredictions, cut_windows
from mmvmr.features.spec import ExtractionSpec
from mmvmr.features.spec_files import read_extraction_spec
from mmvmr.models.task_modules.nms import SoftNMS
from mmvmr.registry import INFERENCERS
from mmvmr.utils.devices import usable_device
from mmvmr.utils.progress import progress
from mmvmr.utils.setup import register_inference_modules

#: Digits of seconds after the point.
_DECIMALS = 4


@dataclass
class EncodedVideo:
    """The features of a video, ready for any number of sentences.

    Attributes:
        name: Name of the video.
        duration: Length in seconds.
        streams: Stream name to features (clips, dim), cut to the shortest.
        finder: The finder that made it.
        path: The video file, where there is one.
    """

    name: str
    duration: float
    streams: Mapping[str, np.ndarray]
    finder: MomentFinder = field(repr=False)
    path: Path | None = None

    @property
    def clips(self) -> int:
        """Number of clips."""
        return len(next(iter(self.streams.values())))

    @property
    def clip_len(self) -> float:
        """Length of a clip in seconds."""
        return self.finder.windows.clip_len(self.duration, self.clips)

    def find(self, *sentences: str, tokens: Sequence[np.ndarray] | None = None) -> Answers:
        """Find the moments that sentences describe.

        Args:
            *sentences: One or many; all are answered in one pass.
            tokens: Text features of the sentences, (tokens, dim) each, where they exist already.

        Returns:
            One answer per sentence.

        Raises:
            ValueError: If there is no sentence, or one is empty.
        """
        return self.finder.answer(self, sentences, tokens)


@INFERENCERS.register_module()
class MomentFinder:
    """A model with everything around it that turns a video file and sentences into moments.

    Args:
        checkpoint: A checkpoint that ``mmvmr`` wrote, or a model that is built already.
        device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda:0``, ...
        spec: How features are made, for checkpoints that do not say: a config file or the name of a shipped one, see
            ``configs/features``.
        window: Seconds of a window for long videos; None takes the longest training video.
        overlap: Part of a window that the next one repeats.
        max_moments: Moments per sentence at most.
        batch_size: Pairs of window and sentence per forward pass, about; None for a number that is fast on the device.
        half: Matrix products of the model in half precision; by default on GPUs only. Features are made in full.
        cache_dir: Folder of the feature cache; None for the default one, see :class:`FeatureCache`.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If it does not say what it is, or does not fit the specification.

    Examples:
        >>> finder = MomentFinder.zero_shot()  # doctest: +SKIP
        >>> video = finder.encode('holiday.mp4')  # doctest: +SKIP
        >>> video.find('a dog jumps into the water')[0].moments[0]  # doctest: +SKIP
        Moment(start=12.0, end=17.5, score=0.83)
    """

    def __init__(
        self,
        checkpoint: str | os.PathLike[str] | ModelFile,
        device: str = 'auto',
        spec: str | ExtractionSpec | None = None,
        window: float | None = None,
        overlap: float = 0.5,
        max_moments: int = 10,
        batch_size: int | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        half: bool | None = None,
    ) -> None:
        register_inference_modules()
        self.device = usable_device(device)
        extraction = read_extraction_spec(spec) if isinstance(spec, str) else spec
        if isinstance(checkpoint, ModelFile):
            self.file = checkpoint
            self.file.model.to(self.device)
        else:
            self.file = load_model_file(checkpoint, extraction, self.device)
        self.model = self.file.model
        self.spec = self.file.feature_spec
        self.overlap = overlap
        self.max_moments = max_moments
        on_gpu = self.device.type == 'cuda'
        self.predictor = Predictor(self.file, self.device, batch_size, on_gpu if half is None else half)
        self.encoder = FeatureEncoder(self.file, self.device, cache_dir)
        self.windows = WindowLength(self.file, window)

    @classmethod
    def zero_shot(cls, spec: str | ExtractionSpec = 'conse_minilm_1fps', **options: Any) -> MomentFinder:
        """A finder that needs no training: similarity of sentence and clips in a joint space.

        Args:
            spec: Features in which clips and sentences are comparable. The default needs no network connection and
                the extra ``offline``; it knows little more than the objects of ImageNet. CLIP-like models
                answer far better.
            **options: See :class:`MomentFinder`.

        Returns:
            The finder.
        """
        from mmvmr.apis.zero_shot import zero_shot_model  # builds on this module

        register_inference_modules()
        extraction = read_extraction_spec(spec) if isinstance(spec, str) else spec
        return cls(zero_shot_model(extraction), **options)

    def encode(self, video: str | os.PathLike[str], name: str | None = None) -> EncodedVideo:
        """Extract the features of a video, or take them from the cache.

        Args:
            video: The video file.
            name: Name of the video in the answers; the file name without its suffix by default.

        Returns:
            The video, ready to be asked.

        Raises:
            FileNotFoundError: If there is no such file.
            VideoError: If it holds no video, or is damaged.
        """
        path = local_file(video)
        streams, duration = self.encoder.video(path)
        return self.encode_features(streams, duration, name or path.stem, path)

    def encode_folder(
        self, folder: str | os.PathLike[str], jobs: int = 1, shard: tuple[int, int] = (0, 1)
    ) -> EncodedFolder:
        """Extract the features of all videos below a folder, or take them from the cache.

        It can be stopped at any time: what is in the cache is not made again.

        Args:
            folder: The folder.
            jobs: Number of processes. A script that asks for more than one needs ``if __name__ == '__main__':``.
            shard: (i, n): the i-th of n parts only, from 0, for several machines that share the cache.

        Returns:
            The videos, in the order of their names, and those that failed with the reason.

        Raises:
            FileNotFoundError: If the folder is absent or has no video.
        """
        root = Path(folder).expanduser()
        videos = find_named_videos(root, shard)
        made = EncodedFolder(root, self)
        entries = encode_videos(self.encoder, self.encoder.cache_dir, videos, jobs)
        by_name = {entry.name: entry for entry in progress(entries, total=len(videos), unit=' videos')}
        made.entries = {name: by_name[name] for name in videos if by_name[name].error is None}
        made.failed = {name: str(by_name[name].error) for name in videos if by_name[name].error is not None}
        return made

    def encode_features(
        self,
        streams: Mapping[str, np.ndarray],
        duration: float | None = None,
        name: str = 'video',
        path: Path | None = None,
    ) -> EncodedVideo:
        """Take features that exist already.

        Args:
            streams: Stream name to features as stored (clips, dim), one per stream of the model.
            duration: Length of the video in seconds; clips x clip length by default.
            name: Name of the video.
            path: The video file, for reports and clips.

        Returns:
            The video, ready to be asked.

        Raises:
            ValueError: If a stream is missing, empty or of another dimension.
        """
        wanted = {s.name: s.dim for s in self.spec.streams}
        if absent := [stream for stream in wanted if stream not in streams]:
            raise ValueError(f'{name}: the streams {absent} are missing; the model was trained on {list(wanted)}')
        for stream, dim in wanted.items():
            shape = np.shape(streams[stream])
            if len(shape) != 2 or not shape[0] or shape[1] != dim:
                raise ValueError(f'{name}: stream {stream!r} has the shape {shape}, expected (clips, {dim})')
        clips = min(len(streams[stream]) for stream in wanted)
        cut = {stream: streams[stream][:clips] for stream in wanted}
        return EncodedVideo(name, float(duration or clips * self.spec.clip_len), cut, self, path)

    def answer(
        self, video: EncodedVideo, sentences: Sequence[str], tokens: Sequence[np.ndarray] | None = None
    ) -> Answers:
        """Answer sentences about a video; see :meth:`EncodedVideo.find`."""
        return next(self.find_all([video], *sentences, tokens=tokens))

    def find_all(
        self, videos: EncodedVideos, *sentences: str, tokens: Sequence[np.ndarray] | None = None
    ) -> Iterator[Answers]:
        """Find the moments that sentences describe in many videos, which share forward passes.

        Args:
            videos: The videos, some at a time (so a generator can load them), or those of :meth:`encode_folder`.
            *sentences: One or many.
            tokens: Text features of the sentences, (tokens, dim) each, where they exist already.

        Yields:
            The answers for every video, in order.

        Raises:
            ValueError: If there is no sentence, or one is empty.
        """
        queries = checked_sentences(sentences)
        text = self.encoder.sentences(queries) if tokens is None else list(tokens)
        if len(text) != len(queries):
            raise ValueError(f'{len(text)} text features for {len(queries)} sentences')
        said, unanswered = self.encoder.notes(queries) if tokens is None else (), in_order(videos)
        while some := list(itertools.islice(unanswered, self.predictor.batch_size)):
            parts = []
            for video in some:
                windows = cut_windows(video.clips, self.windows.clips(video.clip_len), self.overlap)
                merged = [MergedPredictions(video.clips) for _ in queries]
                parts.append(WindowedVideo(video.streams, video.duration, video.clip_len, windows, merged))
            self.predictor.run(parts, queries, text)
            for video, part in zip(some, parts):
                suppression = None
                if len(part.windows) > 1:
                    suppression = SoftNMS(threshold=0.3, max_predictions=self.max_moments)
                items = tuple(self._answer(video, q, m, suppression) for q, m in zip(queries, part.merged))
                notes = (*said, *self.windows.notes(video.duration, video.clip_len, part.windows))
                yield Answers(video.name, video.duration, items, video.path, notes, self.file.name)

    def _answer(
        self, video: EncodedVideo, query: str, merged: MergedPredictions, suppression: SoftNMS | None
    ) -> Answer:
        spans, scores = merged.ranked(suppression, self.max_moments)
        # As in prediction files; the limit of the model is the duration in float32, which may be above it.
        ends = np.minimum(spans.round(_DECIMALS), video.duration).tolist()
        moments = tuple(Moment(a, b, round(float(s), 6)) for (a, b), s in zip(ends, scores) if b > a)
        edges = np.arange(video.clips + 1) * video.clip_len
        times = np.stack((edges[:-1], np.minimum(edges[1:], max(video.duration, edges[-2]))), axis=1)
        absent = merged.probability is not None and not merged.accepted
        return Answer(query, moments, times, merged.saliency, probability=merged.probability, absent=absent)
