"""Base of metrics that score one prediction per query."""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any

import torch
from mmengine.dist import all_gather_object, broadcast_object_list, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmvmr.evaluation.functional import Protocol, get_protocol
from mmvmr.evaluation.functional.validation import EXIST_KEY, SALIENCY_KEY, WINDOWS_KEY
from mmvmr.utils.clip_grid import count_clips, means_over_clips, same_clips

_GROUND_TRUTH = ('duration', 'relevant_windows', 'relevant_clip_ids', 'saliency_scores', 'label')


def prediction_row(sample: dict[str, Any]) -> dict[str, Any]:
    """Predictions of a sample in the published form.

    Windows and scores are rounded to 4 decimals, as published files have them, and it is these rounded numbers that
    the metrics score: scoring the written file again gives the same figures.

    Args:
        sample: A data sample as a dict, in predict mode.

    Returns:
        ``qid``, ``query``, ``vid``, and where predicted ``pred_relevant_windows`` (``[start, end, score]``, s),
        ``pred_saliency_scores`` (one per clip of the length that the feature specification declares) and
        ``pred_exist_score``; for a video longer than ``max_clips`` also ``cut_at``, the second up to which the model
        saw it.
    """
    row = {key: sample.get(key) for key in ('qid', 'query', 'vid')}
    if sample.get('cut_at') is not None:
        row['cut_at'] = round(float(sample['cut_at']), 4)
    instances = sample.get('pred_instances')
    if instances is not None:
        windows, scores = (torch.as_tensor(instances[key]).detach().double().cpu() for key in ('windows', 'scores'))
        triples = torch.cat((windows.reshape(-1, 2), scores.reshape(-1, 1)), dim=1).tolist()
        row[WINDOWS_KEY] = [[round(value, 4) for value in triple] for triple in triples]
    if sample.get('pred_saliency') is not None:
        # Nine digits tell all float32 apart.
        row[SALIENCY_KEY] = [float(f'{value:.9g}') for value in _declared_clips(sample)]
    if sample.get('pred_existence') is not None:
        row[EXIST_KEY] = round(float(sample['pred_existence']), 6)  # near 1 four decimals would make many ties
    return row


def _declared_clips(sample: dict[str, Any]) -> list[float]:
    """Predicted saliency of the clips that annotations count, which are not those of a model that resamples them."""
    saliency = torch.as_tensor(sample['pred_saliency']).detach().double().cpu()
    clip_len, declared = sample.get('clip_len'), sample.get('declared_clip_len')
    if clip_len is None or declared is None or same_clips(clip_len, declared):
        return saliency.tolist()
    seconds = min(len(saliency) * clip_len, float(sample['duration']))
    return means_over_clips(saliency.numpy(), clip_len, count_clips(seconds, declared), declared).tolist()


def annotation_row(sample: dict[str, Any]) -> dict[str, Any]:
    """Ground truth of a sample, as read from the annotation file (seconds and clip numbers)."""
    source = sample.get('annotation') or sample
    row = {key: source[key] for key in _GROUND_TRUTH if source.get(key) is not None}
    return {'qid': sample['qid'], **row}


class QueryMetric(BaseMetric):
    """A metric over queries, each counted exactly once.

    The results of all processes are gathered whole and joined by ``qid``. Cutting the joined list to the size of the
    data set, as mmengine does, is only right when samplers pad at the end; joining by ``qid`` is right for shards of
    any length and any padding.

    Args:
        protocol: Name of an evaluation protocol, or the protocol.
        collect_device: Kept for compatibility with mmengine's metrics.
        prefix: Put before every name as ``prefix/name``; none by default, so that ``save_best='MR-full-mAP'`` works.

    Raises:
        ValueError: If there is no such protocol, or it scores a whole collection.
    """

    default_prefix: str | None = ''

    def __init__(
        self, protocol: str | Protocol = 'qvhighlights', collect_device: str = 'cpu', prefix: str | None = None
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.protocol = get_protocol(protocol)
        if self.protocol.corpus_rule is not None:
            raise ValueError(
                f'{type(self).__name__}: protocol {self.protocol.name!r} scores answers from a whole collection, which '
                'a test does not give; `mmvmr search CONFIG --out FILE` writes them, `mmvmr eval` scores them'
            )
        self._warned: set[str] = set()

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep what scoring needs of a batch. Views that a pipeline adds are not the queries of the data set.

        Args:
            data_batch: Not used.
            data_samples: Data samples as dicts, in predict mode.
        """
        for sample in data_samples:
            if sample.get('view', 'main') == 'main':
                self.results.append({'prediction': self.prediction(sample), 'annotation': annotation_row(sample)})

    def prediction(self, sample: dict[str, Any]) -> dict[str, Any]:
        """The part of :func:`prediction_row` that this metric needs."""
        return prediction_row(sample)

    def evaluate(self, size: int) -> dict[str, float]:
        """Gather the queries of all processes and score them on the first.

        Args:
            size: Number of samples in the data set; a different number of queries is reported.

        Returns:
            Flat figures, the same on every process.

        Raises:
            Exception: What scoring raised, on every process, so that none waits for the others.
        """
        shards: list[list[dict[str, Any]]] = all_gather_object(self.results)
        # A new list, because with one process the gathered shard is the old one.
        self.results: list[dict[str, Any]] = []
        outcome: list[Any] = [None]
        if is_main_process():
            try:
                outcome = [self._score(shards, size)]
            except Exception as error:
                outcome = [error]
        broadcast_object_list(outcome)
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return outcome[0]

    def _score(self, shards: list[list[dict[str, Any]]], size: int) -> dict[str, float]:
        unique: dict[Any, dict[str, Any]] = {}
        for result in chain.from_iterable(zip_longest(*shards)):  # rank after rank: the order of the data set
            if result is not None:
                unique.setdefault(result['annotation']['qid'], result)
        if len(unique) != size:
            self.warn(f'{len(unique)} different queries were evaluated, but the data set has {size} samples')
        metrics = self.compute_metrics(list(unique.values()))
        return {f'{self.prefix}/{name}': value for name, value in metrics.items()} if self.prefix else metrics

    def figure_names(self, rows: Sequence[dict[str, Any]]) -> list[str]:
        """Names of the figures of a model that predicts everything.

        Args:
            rows: Annotations of the split; what none of them is labelled with gives no figures.

        Returns:
            The names, of scoring a made-up answer.
        """
        rule, scale = self.protocol.clip_rule, self.protocol.rating_scale
        clips, best = max(10, rule.top or 0) if rule is not None else 10, 1 if scale is None else scale[1]
        made_up = {
            'relevant_windows': [[0.0, 1.0]],
            'relevant_clip_ids': [0],
            'saliency_scores': [[best]],
            'label': [[best]] * clips,
        }
        labelled = {key: value for key, value in made_up.items() if any(row.get(key) is not None for row in rows)}
        answer = {'qid': 0, WINDOWS_KEY: [[0.0, 1.0, 1.0]], SALIENCY_KEY: [1.0] * clips, EXIST_KEY: 1.0}
        annotation = {'qid': 0, 'duration': clips * self.protocol.clip_len, **labelled}
        probe = copy.copy(self)
        probe.outfile = None  # type: ignore[attr-defined]  # of some metrics
        probe.warn = lambda message: None  # type: ignore[method-assign]
        names = probe.compute_metrics([{'prediction': answer, 'plain': answer, 'annotation': annotation}])
        return [f'{self.prefix}/{name}' if self.prefix else name for name in names]

    def warn(self, message: str) -> None:
        """Log a message the first time that it occurs; metrics run after every epoch."""
        if message not in self._warned:
            self._warned.add(message)
            print_log(f'{type(self).__name__}: {message}', logger='current', level=logging.WARNING)
