"""Forward passes that videos and sentences share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from mmvmr.apis.model_files import ModelFile
from mmvmr.apis.windows import MergedPredictions, Window
from mmvmr.datasets.collate import video_collate
from mmvmr.datasets.moment_dataset import BaseMomentDataset
from mmvmr.datasets.stores.feature_stores import ArrayStore
from mmvmr.utils.clip_grid import count_clips, means_over_clips
from mmvmr.utils.progress import progress


@dataclass
class WindowedVideo:
    """A video in windows, and what was found in it.

    Attributes:
        streams: Stream name to features (clips, dim).
        duration: Length in seconds.
        clip_len: Length of a clip in seconds.
        windows: Its windows.
        merged: Predictions per sentence; filled by :meth:`Predictor.run`.
    """

    streams: Mapping[str, np.ndarray]
    duration: float
    clip_len: float
    windows: Sequence[Window]
    merged: Sequence[MergedPredictions]


class Predictor:
    """Runs a model on pairs of window and sentence, through the pipeline of its data set.

    Args:
        file: The model with its pipeline.
        device: Where it is.
        batch_size: Pairs per forward pass; None for 64 on GPUs and 32 elsewhere, where more only moves memory; a
            detector whose sentences cost little (``sentences_at_once``) then takes more sentences of one video.
        half: Matrix products in half precision.
    """

    def __init__(self, file: ModelFile, device: torch.device, batch_size: int | None, half: bool) -> None:
        self.file, self.device = file, device
        if batch_size is None:
            self.batch_size = 64 if device.type == 'cuda' else 32
            self.sentences_at_once = max(self.batch_size, getattr(file.model, 'sentences_at_once', 0))
        else:
            self.batch_size = self.sentences_at_once = max(batch_size, 1)
        short = device.type != 'cuda' or torch.cuda.is_bf16_supported()
        self._precision: dict[str, Any] = {'dtype': torch.bfloat16 if short else torch.float16, 'enabled': half}

    @cached_property
    def _pipeline(self) -> dict[str, Any]:
        pipeline = {slot: dict(cfg) for slot, cfg in self.file.pipeline.items() if cfg}
        pipeline['load'].pop('cache', None)  # its keys are names of files, and windows have none
        return pipeline

    def run(self, videos: Sequence[WindowedVideo], queries: Sequence[str], text: Sequence[np.ndarray]) -> None:
        """Answer all sentences in all windows of all videos.

        Args:
            videos: Videos; their predictions are added.
            queries: The sentences.
            text: Text features of the sentences (tokens, dim).
        """
        places = [(video, window) for video in videos for window in video.windows]
        places.sort(key=lambda place: place[1].first - place[1].last)  # of one length: little padding
        size = max(1, self.batch_size // max(1, len(queries)))
        with progress(total=len(places) * len(queries), unit=' pairs') as bar:
            for start in range(0, len(places), size):
                self._predict(places[start : start + size], queries, text, bar)

    def _predict(
        self,
        places: Sequence[tuple[WindowedVideo, Window]],
        queries: Sequence[str],
        text: Sequence[np.ndarray],
        bar: Any,
    ) -> None:
        streams: dict[str, dict[str, np.ndarray]] = {}
        rows: list[dict[str, Any]] = []
        for number, (video, window) in enumerate(places):
            for name, array in video.streams.items():
                streams.setdefault(name, {})[str(number)] = np.asarray(array[window.first : window.last])
            covered = (window.last - window.first) * video.clip_len
            whole = len(video.windows) == 1
            duration = video.duration if whole else min(covered, video.duration - window.first * video.clip_len)
            rows += [
                {'vid': str(number), 'qid': index, 'query': query, 'duration': duration}
                for index, query in enumerate(queries)
            ]
        stores: dict[str, Any] = {name: ArrayStore(arrays) for name, arrays in streams.items()}
        stores['text'] = ArrayStore({str(i): tokens for i, tokens in enumerate(text)}, template='{qid}')
        dataset = BaseMomentDataset(rows, stores, self.file.feature_spec, self._pipeline)
        for start in range(0, len(rows), self.sentences_at_once):
            numbers = range(start, min(start + self.sentences_at_once, len(rows)))
            items, videos = [dataset[number] for number in numbers], {}
            for number, item in zip(numbers, items):  # one tensor per video: equal ones need not be compared
                item['inputs']['video'] = videos.setdefault(rows[number]['vid'], item['inputs']['video'])
            batch = video_collate(items)
            with torch.inference_mode(), torch.autocast(self.device.type, **self._precision):
                samples = self.file.model.test_step(batch)  # type: ignore[operator]  # of mmengine's BaseModel
            for number, sample in zip(numbers, samples):
                row = rows[number]
                video, window = places[int(row['vid'])]
                moments, saliency = sample.pred_instances, sample.get('pred_saliency')
                video.merged[row['qid']].add(
                    window,
                    window.first * video.clip_len,
                    moments.windows.numpy(),
                    moments.scores.numpy(),
                    None if saliency is None else _of_window(saliency.float().numpy(), sample, window, video.clip_len),
                )
                video.merged[row['qid']].judge(sample.get('pred_existence'), bool(sample.get('pred_accepted')))
            bar.update(len(numbers))


def _of_window(saliency: np.ndarray, sample: Any, window: Window, clip_len: float) -> np.ndarray:
    """Highlight scores of the clips of a window that the model saw; its own clips may be fewer and longer."""
    seen = count_clips(len(saliency) * sample.clip_len, clip_len)
    return means_over_clips(saliency, sample.clip_len, min(seen, window.last - window.first), clip_len)
