"""Named evaluation protocols: which figures a data set reports, and over which queries."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from mmvmr.evaluation.functional.clip_labels import ClipLabelRule
from mmvmr.evaluation.functional.corpus import CorpusRule
from mmvmr.evaluation.functional.generalized import ExistenceRule
from mmvmr.utils import check_choice


def _grid(start: float, stop: float, step: float = 0.05) -> tuple[float, ...]:
    """Thresholds from ``start`` to ``stop`` inclusive, rounded so that 0.7 is exactly the literal 0.7."""
    return tuple(round(start + i * step, 2) for i in range(round((stop - start) / step) + 1))


@dataclass(frozen=True)
class Protocol:
    """Evaluation protocol: the figures that are computed and their names.

    Attributes:
        name: Name for configs and command lines.
        lengths: Name to range of moment lengths ``(low, high]`` in seconds; None = every query, no selection. With a
            range, a query counts when at least one of its ground-truth windows is in it, and only those are kept.
            Empty = moments are not scored.
        map_thresholds: IoU thresholds of mAP; ``average`` is their mean.
        recall_thresholds: IoU thresholds of recall.
        ranks: Recall at these ranks: ``(1,)`` is R1 only, ``(1, 5)`` adds R5.
        brief_recall: Recall thresholds that the summary repeats.
        recall_means: Recall thresholds whose mean the summary adds as ``R1@mean``; empty = none.
        brief_map: mAP thresholds that the summary repeats in addition to the average.
        max_predictions: Predictions per query that count, in the order of the file.
        saliency_levels: Name to smallest rating (0..4) of a positive clip; empty = highlights are not scored.
        window_end: Second at which ground-truth windows are cut; those that begin after it are left out; None = no end.
        clip_len: Seconds per annotated clip of the highlight ratings.
        clip_rule: For data sets that label every clip (``label`` of the annotation): how highlights are scored.
        existence_rule: For data sets with queries that may have no moment (``relevant_windows`` is empty): how they
            are scored; ``ranks`` and the recall fields are then not used.
        corpus_rule: For answers that name the video, too, out of a collection: how they are scored; nothing else is
            used then.
        rating_scale: Lowest and highest rating that an annotator can give; None = any number.
    """

    name: str
    lengths: Mapping[str, tuple[float, float] | None]
    map_thresholds: tuple[float, ...] = _grid(0.5, 0.95)
    recall_thresholds: tuple[float, ...] = _grid(0.3, 0.95)
    ranks: tuple[int, ...] = (1, 5)
    brief_recall: tuple[float, ...] = (0.3, 0.5, 0.7)
    recall_means: tuple[float, ...] = ()
    brief_map: tuple[float, ...] = (0.5, 0.75)
    max_predictions: int = 10
    window_end: float | None = None
    saliency_levels: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    clip_len: float = 2.0
    clip_rule: ClipLabelRule | None = None
    existence_rule: ExistenceRule | None = None
    corpus_rule: CorpusRule | None = None
    rating_scale: tuple[float, float] | None = None

    def is_summarised(self, name: str) -> bool:
        """True if the summary repeats all figures of a range, not only its mAP: ``full``, or every query."""
        return name == 'full' or self.lengths[name] is None

    @property
    def rating_key(self) -> str | None:
        """Key of an annotation with the ratings that are scored; None where highlights are not."""
        return 'label' if self.clip_rule is not None else 'saliency_scores' if self.saliency_levels else None

    @property
    def scores_highlights(self) -> bool:
        """True if highlights are scored."""
        return bool(self.saliency_levels) or self.clip_rule is not None

    @property
    def rated_clip_len(self) -> float | None:
        """Seconds per clip of the ratings; None where ratings are not scored and may have other clips."""
        return self.clip_len if self.saliency_levels else None

    def __post_init__(self) -> None:
        rules = (self.clip_rule, self.existence_rule, self.corpus_rule)
        if not self.lengths and all(rule is None for rule in rules):
            raise ValueError(f'protocol {self.name!r}: lengths is empty, expected at least one range')
        if self.saliency_levels and self.clip_rule is not None:
            raise ValueError(f'protocol {self.name!r}: saliency_levels and clip_rule exclude each other')
        tables = {
            'brief_recall': 'recall_thresholds',
            'recall_means': 'recall_thresholds',
            'brief_map': 'map_thresholds',
        }
        for brief, table in tables.items():
            missing = sorted(set(getattr(self, brief)) - set(getattr(self, table)))
            if missing:
                raise ValueError(f'protocol {self.name!r}: {brief} asks for {missing}, which is not in {table}')
        if min(self.ranks) < 1 or max(self.ranks) > self.max_predictions:
            raise ValueError(f'protocol {self.name!r}: ranks {self.ranks} must be between 1 and {self.max_predictions}')


_PROTOCOLS: dict[str, Protocol] = {}


def register_protocol(protocol: Protocol) -> Protocol:
    """Make a protocol available by its name, and return it; ValueError if the name is taken."""
    if protocol.name in _PROTOCOLS:
        raise ValueError(f'protocol {protocol.name!r} is registered already')
    _PROTOCOLS[protocol.name] = protocol
    return protocol


def get_protocol(protocol: str | Protocol) -> Protocol:
    """Look a protocol up by its name; a protocol is returned as it is. ValueError if there is none."""
    if isinstance(protocol, Protocol):
        return protocol
    return _PROTOCOLS[check_choice('evaluation', 'protocol', protocol, protocol_names())]


def protocol_names() -> list[str]:
    """Names of all protocols, in order of registration."""
    return list(_PROTOCOLS)


# Moment-DETR's evaluator (Lei et al., NeurIPS 2021, standalone_eval). R1 below 0.5 and mIoU came with later versions.
register_protocol(
    Protocol(
        'qvhighlights',
        lengths=MappingProxyType({'short': (0, 10), 'middle': (10, 30), 'long': (30, 150), 'full': None}),
        ranks=(1,),
        saliency_levels=MappingProxyType({'Fair': 2, 'Good': 3, 'VeryGood': 4}),
        rating_scale=(0, 4),
    )
)
# The other data sets report R1 and R5; the length ranges are ours: those of QVHighlights, with no upper end.
_OPEN_LENGTHS = MappingProxyType({'short': (0, 10), 'middle': (10, 30), 'long': (30, math.inf), 'full': None})
register_protocol(Protocol('charades', lengths=_OPEN_LENGTHS))
register_protocol(
    Protocol(
        'tacos',
        lengths=_OPEN_LENGTHS,
        recall_thresholds=(0.1, *_grid(0.3, 0.95)),
        brief_recall=(0.1, 0.3, 0.5, 0.7),
    )
)
register_protocol(Protocol('activitynet', lengths=_OPEN_LENGTHS))
# TimeLens-Bench (2025) asks for one window per sentence: R1 at three thresholds and mIoU. mAP is an addition.
register_protocol(
    Protocol('timelens', lengths=MappingProxyType({'full': None}), ranks=(1,), recall_thresholds=(0.3, 0.5, 0.7))
)
# Ego4D natural language queries: R1, R3 and R5 at two thresholds as the official evaluator prints them; the leaderboard
# is ranked by the mean of R1.
register_protocol(
    Protocol(
        'nlq',
        lengths=_OPEN_LENGTHS,
        ranks=(1, 3, 5),
        recall_thresholds=(0.3, 0.5),
        brief_recall=(0.3, 0.5),
        recall_means=(0.3, 0.5),
    )
)
# MAD (Soldan et al., CVPR 2022) over the 50 predictions that SnAG keeps.
register_protocol(
    Protocol(
        'mad',
        lengths=_OPEN_LENGTHS,
        recall_thresholds=(0.1, 0.3, 0.5),
        ranks=(1, 5, 10, 50),
        brief_recall=(0.1, 0.3, 0.5),
        max_predictions=50,
    )
)
# Published code that gives other figures on Charades than the above, named after it.
register_protocol(  # EaTR's evaluator: moments longer than 30 s do not count at all
    Protocol(
        'charades_eatr',
        lengths=MappingProxyType({'short': (0, 10), 'middle': (10, 30), 'full': (0, 30)}),
        recall_thresholds=_grid(0.5, 0.95),
        brief_recall=(0.5, 0.7),
    )
)
register_protocol(  # BM-DETR's evaluator on Charades-CD: windows end at 75 s (75 clips of 1 s)
    Protocol(
        'charades_cd_bm_detr',
        lengths=MappingProxyType({'full': None}),
        recall_thresholds=_grid(0.3, 0.7, 0.1),
        ranks=(1,),
        window_end=75.0,
    )
)
register_protocol(  # TD-DETR's evaluator: also the thresholds below 0.3, and a perfect overlap
    Protocol(
        'charades_td_detr',
        lengths=MappingProxyType({'short': (0, 10), 'middle': (10, 30), 'long': (30, 150), 'full': None}),
        recall_thresholds=_grid(0.1, 1.0, 0.1),
        ranks=(1,),
        brief_recall=(0.1, 0.3, 0.5, 0.7, 0.9),
    )
)

_NO_LENGTHS: Mapping[str, tuple[float, float] | None] = MappingProxyType({})
# Queries with no, one or many moments (the Soccer-GMR evaluator, 2026).
register_protocol(Protocol('gmr', lengths=_NO_LENGTHS, existence_rule=ExistenceRule()))
# Finding the video and the moment in a collection: recall as the TVR evaluator (Lei et al., ECCV 2020) counts it.
register_protocol(Protocol('corpus', lengths=_NO_LENGTHS, corpus_rule=CorpusRule()))
# Highlights only, one model per domain (UMT's evaluation, which QD-DETR and its successors use).
register_protocol(
    Protocol('tvsum', lengths=_NO_LENGTHS, clip_rule=ClipLabelRule('above_median', top=5), rating_scale=(1, 5))
)
register_protocol(
    Protocol('youtube_highlights', lengths=_NO_LENGTHS, clip_rule=ClipLabelRule('nonzero'), rating_scale=(0, 1))
)
