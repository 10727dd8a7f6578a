"""Sentences that describe nothing in the video, as an additional view of training samples."""

from __future__ import annotations

from typing import Any

from mmvmr.datasets.transforms.negative_query import NegativeQuery
from mmvmr.registry import TRANSFORMS
from mmvmr.utils.sentences import plain_sentence

#: Belongs to the sentence or the moments of the sample, not to the view.
_OWN = ('neg_text_feat', 'neg_qid', 'roles', 'static_text', 'clips_inside', 'gt_clips', 'views')


@TRANSFORMS.register_module()
class FalsePremise(NegativeQuery):
    """Add a view ``false_premise``: the same video under a sentence of another one, without moments.

    What an existence head learns from where annotations have no queries without a moment. The sentence is drawn anew
    in every epoch, as :class:`NegativeQuery` draws from other videos, and is none that the own video has, too. It may
    happen to be true of the video all the same: nobody has looked.

    Args:
        share: Part of the samples that get the view.

    Raises:
        ValueError: If ``share`` is not in (0, 1].
    """

    name = 'false_premise'
    depends_on = ()  # it adds a view, and no input to the sample
    _TRIES = 10

    def __init__(self, share: float = 1.0) -> None:
        super().__init__(missing='other_video', empty='other_video', key='')
        if not 0 < share <= 1:
            raise ValueError(f'FalsePremise: share={share}, expected a part of the samples: more than 0, at most 1')
        self.share = share

    def bind(self, dataset: Any) -> None:
        """Take the queries of the data set; see :meth:`NegativeQuery.bind`."""
        super().bind(dataset)
        self._own = {
            vid: {plain_sentence(self._rows[i]['query']) for i in group} for vid, group in self._groups.items()
        }

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``views['false_premise']`` to a sample with ``video_feat``, where a sentence was drawn."""
        if self.share < 1 and results['rng'].uniform() >= self.share:
            return results
        for _ in range(self._TRIES):  # short sentences are repeated often
            row = self._draw(results)
            if row is None:
                return results
            if plain_sentence(row['query']) not in self._own[results['vid']]:
                break
        else:
            return results
        view = {key: value for key, value in results.items() if key not in _OWN}
        view.update(text_feat=self._load.text(row), query=row['query'], neg_qid=row['qid'], relevant_windows=[])
        if results.get('saliency_scores') is not None:
            view.update(relevant_clip_ids=[], saliency_scores=[])
        return {**results, 'views': {**results.get('views', {}), self.name: view}}
