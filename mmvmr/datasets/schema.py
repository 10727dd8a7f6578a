"""Rules of annotation rows, in one place for readers, converters and ``validate``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from mmvmr.utils import check_choice
from mmvmr.utils.paths import name_issue
from mmvmr.utils.row_keys import ANNOTATION_KEYS, meant_key

#: Beyond any second, rating or label; sums of smaller numbers stay finite in float32.
_LARGEST = 1e9
Number = Annotated[float, Field(allow_inf_nan=False, ge=-_LARGEST, le=_LARGEST)]
Name = Annotated[str, Field(min_length=1)]
#: What to do about rows without a label, for messages.
UNLABELLED = 'train_dataloader.dataset.annotations.unlabelled=drop leaves out rows without a label'
#: Keys that the pipeline writes: in an annotation they would take the place of what is computed.
PIPELINE_KEYS = frozenset(
    [
        'clip_len',
        'clips_inside',
        'declared_clip_len',
        'group',
        'group_rng',
        'gt_clips',
        'gt_pairs',
        'gt_saliency',
        'gt_spans',
        'neg_text_feat',
        'packed',
        'partner',
        'patches',
        'prior',
        'rng',
        'roles',
        'static_text',
        'tef',
        'text_feat',
        'video_feat',
        'view',
        'views',
    ]
)
#: Type of the error that carries issues which are ours already.
_OURS = 'annotation'


@dataclass(frozen=True)
class Issue:
    """Something wrong with a row.

    Args:
        field: Where in the row: ``relevant_windows[0]``.
        problem: What was found and what was expected.
        fix: What to do about it.
    """

    field: str
    problem: str
    fix: str

    def __str__(self) -> str:
        return f'{self.field} {self.problem}; {self.fix}'


@dataclass(frozen=True)
class Rules:
    """Rules that differ between data sets; both are options of :class:`mmvmr.datasets.AnnotationReader`."""

    window_tolerance: float = 0.1
    outside: str = 'error'

    def __post_init__(self) -> None:
        check_choice('annotations', 'outside', self.outside, ('error', 'clip'))


DEFAULT_RULES = Rules()


class AnnotationRow(BaseModel):
    """One line of an annotation file: a sentence, its video and what is labelled.

    Moments need no ratings, and highlights no moments. Further keys are kept. ``context`` of ``model_validate`` may
    be :class:`Rules`.

    Attributes:
        qid: Number or name of the sentence, unique in the file.
        query: The sentence.
        vid: Name of the video, as in the feature files.
        duration: Length of the video in seconds.
        relevant_windows: ``[[start, end], ...]`` in seconds; None or empty where no moment is labelled.
        relevant_clip_ids: Clips with ratings, counted from 0.
        saliency_scores: For each of them the ratings of all annotators (QVHighlights: 0 to 4).
        label: Ratings of every clip of the video (TVSum, YouTube Highlights), one list per clip.
        domain: Part of the data set that the video belongs to (TVSum, YouTube Highlights).
    """

    model_config = ConfigDict(strict=True, extra='allow')

    qid: int | Annotated[str, Field(pattern=r'^[^/\\]+$')]
    query: Annotated[str, Field(pattern=r'\S')]
    vid: int | Name
    duration: Annotated[float, Field(gt=0, le=_LARGEST, allow_inf_nan=False)]
    relevant_windows: list[Annotated[list[Number], Field(min_length=2, max_length=2)]] | None = None
    relevant_clip_ids: list[NonNegativeInt] | None = None
    saliency_scores: list[Annotated[list[Number], Field(min_length=1)]] | None = None
    label: Annotated[list[Annotated[list[Number], Field(min_length=1)]], Field(min_length=1)] | None = None
    domain: str | None = None

    @model_validator(mode='after')
    def _fits_together(self, info: ValidationInfo) -> AnnotationRow:
        rules = info.context if isinstance(info.context, Rules) else DEFAULT_RULES
        if issues := [*_contradictions(self.__dict__, rules)]:
            raise PydanticCustomError(_OURS, '{text}', {'text': '; '.join(map(str, issues))})
        return self


#: Field to (what was expected, how to fix it).
_EXPECTED = {
    'qid': ('a number or a name without slashes', 'give every sentence a different one, which names its features'),
    'query': ('a sentence', 'write it, or remove the line'),
    'vid': ('the name of the video as in the feature files', 'write it'),
    'duration': ('a positive number of seconds', 'write the length of the video'),
    'relevant_windows': (
        'a list of [start, end] in seconds',
        'write [[start, end], ...], or leave the key out where no moment is labelled',
    ),
    'relevant_clip_ids': ('a list of clip numbers that count from 0', 'write the clips that saliency_scores rates'),
    'saliency_scores': (
        'one list of ratings per clip of relevant_clip_ids',
        'write [[rating, ...], ...], or leave both keys out for moments without ratings',
    ),
    'label': ('one list of ratings per clip of the video', 'write [[rating, ...], ...]'),
    'domain': ('a name', 'write it in quotes'),
}
#: What an element of a list should be: (field, depth) to the expectation.
_ELEMENTS = {
    ('relevant_windows', 1): '[start, end] in seconds',
    ('relevant_windows', 2): 'a number of seconds',
    ('relevant_clip_ids', 1): 'a clip number that counts from 0',
    ('saliency_scores', 1): 'a list of ratings, one per annotator',
    ('saliency_scores', 2): 'a number',
    ('label', 1): 'a list of ratings, one per annotator',
    ('label', 2): 'a number',
}


def row_issues(row: Mapping[str, Any], rules: Rules = DEFAULT_RULES) -> list[Issue]:
    """Everything that is wrong with a row, the annotation of one sentence; empty for a good one."""
    issues: list[Issue] = []
    try:
        AnnotationRow.model_validate(row, context=rules)
    except ValidationError as error:
        broken = set()
        for detail in error.errors(include_url=False):
            if detail['type'] != _OURS:
                broken.add(detail['loc'][0])
                issues.append(_translated(detail))
        issues = [*dict.fromkeys(issues)]  # a union reports every alternative
        # Once more on the row as it is: the model shows 4 as 4.0, and does not get so far where a field is broken.
        issues += _contradictions(row, rules, broken)
    for key in row.keys() - AnnotationRow.model_fields.keys():
        if key in PIPELINE_KEYS:
            issues.append(Issue(str(key), 'is a key that the pipeline computes', 'rename it, or leave it out'))
        elif (meant := meant_key(str(key), ANNOTATION_KEYS)) and row.get(meant) is None:
            issues.append(Issue(str(key), 'is no key of an annotation', f'did you mean {meant}?'))
    return issues


def unlabelled(row: Mapping[str, Any]) -> bool:
    """Check whether a row has neither moments nor clip labels; ``[]`` as windows says that nothing is described."""
    return row.get('relevant_windows') is None and row.get('label') is None


def _translated(detail: Mapping[str, Any]) -> Issue:
    """An error of pydantic in words of this field."""
    field, *inner = detail['loc']
    expected, fix = _EXPECTED[field]
    if detail['type'] == 'missing':
        return Issue(field, f'is missing, expected {expected}', fix)
    depths = [part for part in inner if isinstance(part, int)]
    expected = _ELEMENTS.get((field, len(depths)), expected)
    place = field + ''.join(f'[{part}]' for part in depths)
    return Issue(place, f'is {shown(detail["input"])}, expected {expected}', fix)


def shown(value: Any, length: int = 60) -> str:
    """A value for a message, cut to ``length`` characters."""
    text = 'null' if value is None else repr(value)
    return text if len(text) <= length else text[:length] + '...'


def _contradictions(row: Mapping[str, Any], rules: Rules, broken: frozenset | set = frozenset()) -> Iterator[Issue]:
    """Issues of fields that are well-formed by themselves, which those of ``broken`` are not."""
    for field in ('vid', 'qid'):
        if field not in broken and (problem := name_issue(str(row[field]))):
            fix = 'give the name of the feature file, inside the folder of the features'
            yield Issue(field, f'is {shown(row[field])}: {problem}', fix)
    if 'relevant_windows' not in broken:
        duration = float('inf') if 'duration' in broken else row['duration']
        for place, window in enumerate(row.get('relevant_windows') or ()):
            if issue := _window_issues(f'relevant_windows[{place}]', window, duration, rules):
                yield issue
    if not broken & {'saliency_scores', 'relevant_clip_ids'} and row.get('saliency_scores') is not None:
        yield from _saliency_issues(row['saliency_scores'], row.get('relevant_clip_ids'))
    if 'label' not in broken and len({len(rating) for rating in row.get('label') or ()}) > 1:
        problem = 'has lists of different lengths, expected as many annotators for every clip'
        yield Issue('label', problem, 'complete the ratings')


def _window_issues(place: str, window: list[float], duration: float, rules: Rules) -> Issue | None:
    start, end = window
    if not start < end:
        fix = 'correct one of the two'
        if start == end:
            fix += ', or write [] as relevant_windows of a sentence without a moment (NA-VMR: na_vmr.py does)'
        return Issue(place, f'is {window}: start is not before end', fix)
    if rules.outside == 'clip' or (0 <= start < duration and end <= duration + rules.window_tolerance):
        return None
    return Issue(
        place,
        f'is {window}: outside the video, which lasts {duration} s (tolerance {rules.window_tolerance} s)',
        "correct it, let validate.py --fix cut it, or set annotations.outside='clip'",
    )


def _saliency_issues(scores: list[list[float]], clips: list[int] | None) -> Iterator[Issue]:
    if clips is None:
        yield Issue('saliency_scores', 'are given without relevant_clip_ids', 'write which clips they rate')
    elif len(scores) != len(clips):
        problem = f'has {len(scores)} saliency_scores for {len(clips)} relevant_clip_ids'
        yield Issue('saliency_scores', problem, 'write one list of ratings per clip')
    if clips is not None and len(set(clips)) < len(clips):
        repeated = next(clip for i, clip in enumerate(clips) if clip in clips[:i])
        yield Issue('relevant_clip_ids', f'has clip {repeated} twice', 'remove one of the two, and its ratings')
    if len({len(rating) for rating in scores}) > 1:
        problem = 'has lists of different lengths, expected as many annotators for every clip'
        yield Issue('saliency_scores', problem, 'complete the ratings')
