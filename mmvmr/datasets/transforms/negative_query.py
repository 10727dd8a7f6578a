"""A sentence that does not describe the video, or not this moment of it (BM-DETR)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from mmvmr.datasets.samplers.same_video import apart, group_by_video
from mmvmr.registry import TRANSFORMS
from mmvmr.utils import check_choice

FALLBACKS = ('same_video', 'other_video', 'none')


@TRANSFORMS.register_module()
class NegativeQuery(BaseTransform):
    """Fill ``neg_text_feat`` (Ln, Dt) with the text tokens of a negative query, drawn anew in every epoch.

    As published (BM-DETR, section 3.2): a query of the same video, whose moment has a small IoU with that of the
    sample and whose sentence is not similar. ``tools/dataset_converters/mine_negative_queries.py`` writes such queries
    as ``neg_query_ids`` into the annotations, of which one is drawn. Options say what happens where there are none: a
    sample may have no negative at all, and models then use ``p = p+``.

    The official code draws from the queries of all other videos, as its annotations hold no ``neg_query_ids``:
    ``missing='other_video', empty='other_video'``.

    Args:
        missing: For a row without ``neg_query_ids``: ``same_video``, a query of the same video by the IoU only, as
            nobody has looked at the sentences; ``other_video``, any query of another video; ``none``.
        empty: The same for a row whose list is empty: mining has found nothing.
        max_iou: For ``same_video``: largest IoU (excluded) between any two moments of both queries.
        key: Key of the annotation with the list.

    Raises:
        ValueError: If an option is unknown.
    """

    depends_on: tuple[str, ...] = ('query',)

    def __init__(
        self, missing: str = 'same_video', empty: str = 'none', max_iou: float = 0.5, key: str = 'neg_query_ids'
    ) -> None:
        for name, value in (('missing', missing), ('empty', empty)):
            check_choice(self, name, value, FALLBACKS)
        self.missing = missing
        self.empty = empty
        self.max_iou = max_iou
        self.key = key

    def bind(self, dataset: Any) -> None:
        """Take the queries of the data set; TypeError if ``load`` cannot load a sentence without its video."""
        self._load = dataset.pipeline.load
        if not hasattr(self._load, 'text'):
            raise TypeError(
                f'NegativeQuery: pipeline.load is {type(self._load).__name__}, which cannot load a sentence '
                'without its video: give it a method text(row), as LoadMomentFeatures has'
            )
        self._rows: list[dict[str, Any]] = dataset.rows
        self._index = {row['qid']: index for index, row in enumerate(self._rows)}
        self._groups = group_by_video(self._rows)
        self._apart: dict[Any, np.ndarray] = {}
        unmined = sum(row.get(self.key) is None for row in self._rows)
        if unmined and self.missing == 'same_video':
            print_log(
                f'NegativeQuery: {unmined} of {len(self._rows)} annotations have no {self.key}: their negatives are '
                'chosen only by the IoU of the moments. mine_negative_queries.py also compares the sentences',
                logger='current',
                level=30,
            )

    def applicable(self, rows: Sequence[dict[str, Any]], clip_len: float) -> list[bool]:
        """Check for each annotation row of a data set whether it has a negative query."""
        groups = group_by_video(rows)
        partners: dict[int, bool] = {}
        for indices in groups.values():
            partners.update(zip(indices, apart([rows[i] for i in indices], self.max_iou).any(1)))
        exists = {'same_video': partners.get, 'other_video': lambda _: len(groups) > 1, 'none': lambda _: False}
        mined = [row.get(self.key) for row in rows]
        return [bool(ids or exists[self.missing if ids is None else self.empty](i)) for i, ids in enumerate(mined)]

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Draw ``neg_text_feat`` and ``neg_qid``; the sample is unchanged where there is none."""
        row = self._draw(results)
        if row is None:
            return results
        try:
            words = self._load.text(row)
        except KeyError as error:
            raise ValueError(
                f'{self.key} of qid {results["qid"]!r} names {row["qid"]!r}, which is no query of this data set, and '
                f'its text features need the annotation ({error}): mine negatives from the same file, or without limit'
            ) from None
        return {**results, 'neg_text_feat': words, 'neg_qid': row['qid']}

    def _draw(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """The annotation of the negative query."""
        mined, rng = results.get(self.key), results['rng']
        if mined:
            qid = rng.sample(mined, 1)[0]
            index = self._index.get(qid)
            return {'qid': qid, 'vid': results['vid']} if index is None else self._rows[index]
        fallback = self.missing if mined is None else self.empty
        if fallback == 'same_video':
            candidates = self._same_video(results)
        elif fallback == 'other_video':
            candidates = _OtherVideos(self._rows, self._groups[results['vid']])
        else:
            candidates = []
        return self._rows[self._index[rng.choice(candidates)]] if len(candidates) else None

    def _same_video(self, results: dict[str, Any]) -> list[Any]:
        group = self._groups[results['vid']]
        if results['vid'] not in self._apart:
            self._apart[results['vid']] = apart([self._rows[i] for i in group], self.max_iou)
        row = self._apart[results['vid']][group.index(self._index[results['qid']])]
        return [self._rows[group[i]]['qid'] for i in np.flatnonzero(row)]


class _OtherVideos(Sequence):
    """Query ids of all rows but those at the indices ``without``, in order, without a list of them for every sample."""

    def __init__(self, rows: Sequence[dict[str, Any]], without: Sequence[int]) -> None:
        self.rows = rows
        self.without = without

    def __len__(self) -> int:
        return len(self.rows) - len(self.without)

    def __getitem__(self, index: int) -> Any:  # type: ignore[override]  # no slices
        if not 0 <= index < len(self):
            raise IndexError(index)
        for skipped in self.without:
            if index < skipped:
                break
            index += 1
        return self.rows[index]['qid']
