"""Reading, checking and normalising the features of a sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmvmr.datasets.stores.packed_store import joined_block
from mmvmr.datasets.transforms.clip_times import with_clip_len
from mmvmr.datasets.transforms.packing import as_tensor
from mmvmr.datasets.transforms.video_cuts import VideoCuts, video_of
from mmvmr.registry import TRANSFORMS
from mmvmr.structures.feature_spec import StreamSpec
from mmvmr.utils import check_choice
from mmvmr.utils.arrays import flat_rows

CLIP_TIMES = ('declared', 'duration')
L2_EPS = 1e-5  # of the published pipelines; exact equality with their inputs depends on it


def l2_normalise(features: np.ndarray) -> np.ndarray:
    """Vectors x (..., D) become ``x / (|x| + 1e-5)``, as Moment-DETR and its successors normalise."""
    return features / (np.linalg.norm(features, axis=-1, keepdims=True) + L2_EPS)


@TRANSFORMS.register_module()
class LoadMomentFeatures(BaseTransform):
    """Fill ``video_feat`` (L, Dv), ``text_feat`` (Lt, Dt) and ``num_clips``.

    Every video stream is cut to ``max_clips``, normalised by itself, and all are cut to the shortest and concatenated
    in the declared order (no TEF yet); see Moment-DETR (NeurIPS 2021), section 5. A video that loses more than one clip
    by the cut gets ``cut_at``, the second up to which the model sees it, which goes into the predictions. Where the
    dimension of a stream is that of several axes together, an array (L, layers, tokens, channels) is read as vectors.

    Args:
        duration_tolerance: How far clips x clip length may be from the duration of the video, as a part of the
            duration; two clips more are always allowed, as feature extractors round. A wrong clip length is the most
            frequent reason for training that diverges. With ``clip_time='duration'`` the streams may differ from each
            other by as much.
        clip_time: Length of a clip: ``declared`` by the feature specification, or ``duration``: all clips together last
            as long as the video, for features whose rate differs from video to video (C3D of ActivityNet and TACoS).
            Nothing is compared with the duration then, and ratings go to the clips of their time.
        cache: Keep normalised features in memory (in every worker process).

    Raises:
        ValueError: If ``clip_time`` is unknown.
    """

    def __init__(self, duration_tolerance: float = 0.1, clip_time: str = 'declared', cache: bool = False) -> None:
        self.duration_tolerance = duration_tolerance
        self.clip_time = check_choice(self, 'clip_time', clip_time, CLIP_TIMES)
        self._cache: dict[tuple[str, Any], np.ndarray] | None = {} if cache else None
        self._last: tuple[Any, np.ndarray] | None = None

    def bind(self, dataset: Any) -> None:
        """Take stores and specification from the data set."""
        self.stores = dataset.stores
        self.spec = dataset.feature_spec
        self.cuts = VideoCuts(self.spec, by_duration=self.clip_time == 'duration')
        # Parts of videos that are joined anew every epoch are not videos that anybody asks for.
        rows = getattr(dataset, 'rows', ())
        self.cuts.announce(rows if isinstance(rows, list) else ())
        # A subclass that changes vectors before they are normalised cannot start from ready ones.
        changed = type(self).streams is not LoadMomentFeatures.streams or type(self).join is not LoadMomentFeatures.join
        stores = [self.stores[stream.name] for stream in self.spec.streams]
        self._ready = None if changed else joined_block(stores)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Load the features.

        Raises:
            FileNotFoundError: If features are missing.
            ValueError: If they are damaged, not finite, of another dimension, empty, or do not fit the duration.
        """
        row = results['annotation']
        if self._ready is None:
            results['video_feat'] = self._kept(('vid', video_of(row)), self._last_video, row)
        else:
            clips, rows = self._ready.entry(row).clips, self._ready.rows(row)
            with_tef = rows.with_tef()
            if all(stream.max_length is None for stream in self.spec.streams):
                self._check_lengths({'video': clips}, row)
            self.cuts.add(row, clips, len(with_tef))
            results['video_feat'] = with_tef[:, :-2]
            results['packed'] = (results['video_feat'], with_tef, rows)  # for AppendTEF
        results['text_feat'] = self.text(row)
        results['num_clips'] = len(results['video_feat'])
        if self.clip_time == 'duration':
            results.update(with_clip_len(results, self.cuts.seconds_seen(row) / results['num_clips']))
        if self.cuts.loses_clips(row):
            results['cut_at'] = self.cuts.seconds_seen(row)
        return results

    def _kept(self, key: tuple[str, Any], load: Any, row: dict[str, Any]) -> np.ndarray:
        if self._cache is None:
            return load(row)
        if key not in self._cache:
            features = load(row)
            features.setflags(write=False)  # a transform that writes in place would change later epochs
            self._cache[key] = features
        return self._cache[key]

    def _last_video(self, row: dict[str, Any]) -> np.ndarray:
        # Sentences of a video often come in a row: a long video need not be read for each of them.
        video = video_of(row)
        if self._last is None or self._last[0] != video:
            features = self._video(row)
            features.setflags(write=False)
            self._last = (video, features)
        return self._last[1]

    def streams(self, row: dict[str, Any]) -> list[np.ndarray]:
        """The video streams of an annotation row as stored, for transforms that work before the normalisation.

        Returns:
            One array (L_s, D_s) per stream in the declared order, each cut to ``max_clips``; lengths may differ.

        Raises:
            ValueError: If they were normalised when they were packed.
        """
        if ready := [s.name for s in self.spec.streams if getattr(self.stores[s.name], 'normalised', False)]:
            raise ValueError(
                f'{self.stores[ready[0]].where}: the streams {ready} were normalised when they were packed, but this '
                'pipeline works on the vectors before that (or takes other streams along); pack them with --as-stored'
            )
        whole = [self._whole(stream, row) for stream in self.spec.streams]
        cut = [x[: stream.max_length][: self.spec.max_clips] for x, stream in zip(whole, self.spec.streams)]
        # Packed vectors may have been cut to max_length already.
        pairs = zip(whole, self.spec.streams)
        self._check_lengths({stream.name: len(x) for x, stream in pairs if len(x) != stream.max_length}, row)
        self.cuts.add(row, min(map(len, whole)), min(map(len, cut)))
        return cut

    def join(self, streams: Sequence[np.ndarray]) -> np.ndarray:
        """Normalise what :meth:`streams` returned, cut all to the shortest and concatenate them: (L, Dv)."""
        length = min(map(len, streams))
        parts = [scale_features(x[:length], stream) for x, stream in zip(streams, self.spec.streams)]
        return np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]

    def _video(self, row: dict[str, Any]) -> np.ndarray:
        return self.join(self.streams(row))

    def text(self, row: dict[str, Any]) -> np.ndarray:
        """The normalised tokens (Lt, Dt) of the sentence of a row, for transforms that need another sentence."""
        return self._kept(('qid', row['qid']), self._text, row)

    def _text(self, row: dict[str, Any]) -> np.ndarray:
        tokens = self.stored(self.spec.text, row)
        normalised = getattr(self.stores[self.spec.text.name], 'normalised', False)
        return tokens if normalised else scale_features(tokens, self.spec.text)

    def stored(self, stream: StreamSpec, row: dict[str, Any]) -> np.ndarray:
        """The vectors (L, D) of one stream as its store has them, in float32, checked and cut to ``max_length``."""
        return self._whole(stream, row)[: stream.max_length]

    def _whole(self, stream: StreamSpec, row: dict[str, Any]) -> np.ndarray:
        store = self.stores[stream.name]
        array = flat_rows(_float32(store.read(row)), stream.dim)
        if array.ndim == 1:  # one vector for a whole sentence
            array = array[None]
        issue = None
        if array.ndim != 2 or array.shape[1] != stream.dim:
            issue = f'shape {array.shape}, expected (length, {stream.dim}); correct feature_spec or the store'
        elif not len(array):
            issue = 'zero clips' if stream is not self.spec.text else 'zero tokens'
        elif not getattr(store, 'finite', False) and not np.isfinite(array).all():
            bad = int((~np.isfinite(array)).any(axis=1).sum())
            issue = f'NaN or infinite values in {bad} of {len(array)} vectors; extract these features again'
        if issue:
            raise ValueError(
                f'stream {stream.name!r} of vid {row["vid"]!r}, qid {row["qid"]!r} in {store.where}: {issue}'
            )
        return array

    def _check_lengths(self, lengths: Mapping[str, int], row: dict[str, Any]) -> None:
        """Compare the numbers of clips of all streams with the duration, or with each other."""
        if not lengths:
            return
        shortest, longest = (choose(lengths, key=lengths.__getitem__) for choose in (min, max))
        both = f'stream {shortest!r} has {lengths[shortest]} vectors, {longest!r} {lengths[longest]}'
        if self.clip_time == 'duration':
            if lengths[longest] - lengths[shortest] > self.duration_tolerance * lengths[longest] + 2:
                raise ValueError(f'vid {row["vid"]!r}: {both}; extract the streams with one clip length')
            return
        clip_len, duration = self.spec.clip_len, float(row['duration'])
        slack = self.duration_tolerance * duration + 2 * clip_len
        wrong = [name for name, clips in lengths.items() if abs(clips * clip_len - duration) > slack]
        if not wrong:
            return
        if len(wrong) < len(lengths):
            raise ValueError(
                f'vid {row["vid"]!r}: {both}, for a duration of {duration:g} s and clips of {clip_len} s: '
                f'{" and ".join(wrong)} cannot be right; extract these features again with this clip length, or '
                'remove the stream'
            )
        clips = lengths[shortest]
        raise ValueError(
            f'vid {row["vid"]!r}: {clips} clips of {clip_len} s cover {clips * clip_len:g} s, but its duration is '
            f'{duration:g} s. With these features clip_len would be about {duration / clips:.3g} s: correct '
            'feature_spec.clip_len, or raise duration_tolerance of the load transform'
        )


def _float32(array: np.ndarray) -> np.ndarray:
    if array.dtype != np.float16:
        return np.asarray(array, dtype=np.float32)
    return as_tensor(array).float().numpy()  # about twenty times faster than numpy


def scale_features(features: np.ndarray, stream: StreamSpec) -> np.ndarray:
    """Float32 features (length, dim) as models receive them, scaled as the stream says."""
    return l2_normalise(features) if stream.normalise == 'l2' else features
