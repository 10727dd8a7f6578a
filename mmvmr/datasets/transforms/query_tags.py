"""Part-of-speech tags of queries, and what words say of change and of things (VDI)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mmvmr.registry import TASK_UTILS
from mmvmr.structures.query_roles import DYNAMIC, OTHER, STATIC

#: First character, one past the last, role.
Piece = tuple[int, int, int]
#: First character, one past the last, tag, index of the word that it depends on (None where unknown).
Tag = tuple[int, int, str, 'int | None']


def word_spans(query: str) -> list[tuple[int, int]]:
    """Characters of the words of a sentence, split at white space."""
    return [match.span() for match in re.finditer(r'\S+', query)]


@TASK_UTILS.register_module()
class TagSplit:
    """Split of a query into dynamic and static words, by the tags of the annotation (VDI; its parser reconstructed).

    The paper splits a query into a static part (entities) and a dynamic one (changes, "e.g. verb"); its rules are not
    published. Tags are read from the key ``query_tags``, which ``tools/dataset_converters/tag_queries.py`` writes.

    Args:
        dynamic: Tags of words of change.
        attached: Tags of words that join a word of change that they depend on, or are next to where the annotation
            knows no dependencies.
        static: Tags of words of things.
    """

    def __init__(
        self,
        dynamic: Sequence[str] = ('VERB',),
        attached: Sequence[str] = ('PRT', 'ADV'),
        static: Sequence[str] = ('NOUN', 'PROPN', 'ADJ'),
    ) -> None:
        self.dynamic, self.attached, self.static = set(dynamic), set(attached), set(static)

    def __call__(self, results: dict[str, Any]) -> list[Piece]:
        """Split a query by its ``query_tags``: (first character, one past the last, role) of every word.

        Raises:
            ValueError: If the annotation has no tags or impossible ones.
        """
        tags = self._checked(results)
        roles = [DYNAMIC if tag in self.dynamic else STATIC if tag in self.static else OTHER for _, _, tag, _ in tags]
        changed = True
        while changed:  # "runs away quickly": an adverb may lean on a particle
            changed = False
            for index, (_, _, tag, head) in enumerate(tags):
                leans_on = (index - 1, index + 1) if head is None else (head,)
                joins = any(0 <= other < len(tags) and roles[other] == DYNAMIC for other in leans_on)
                if tag in self.attached and roles[index] == OTHER and joins:
                    roles[index], changed = DYNAMIC, True
        return [(start, stop, role) for (start, stop, _, _), role in zip(tags, roles)]

    @staticmethod
    def _checked(results: dict[str, Any]) -> list[Tag]:
        tags, query = results.get('query_tags'), results['query']
        if tags is None:
            raise ValueError(
                f'qid {results["qid"]!r}: the annotation has no query_tags; write them with '
                'tools/dataset_converters/tag_queries.py'
            )
        for tag in tags:
            if len(tag) != 4 or not 0 <= tag[0] < tag[1] <= len(query) or not isinstance(tag[2], str):
                raise ValueError(
                    f'qid {results["qid"]!r}: query_tags has {tag}, expected [first character, one past the last, '
                    f'tag, index of the head or null] within the {len(query)} characters of the query'
                )
        return [tuple(tag) for tag in tags]


@TASK_UTILS.register_module()
class LexiconSplit:
    """Split of a query into dynamic and static words, by lists, for queries of a known vocabulary.

    Args:
        dynamic: Words of change, in lower case.
        static: Words of things, in lower case.
    """

    def __init__(self, dynamic: Sequence[str], static: Sequence[str]) -> None:
        self.roles = {**dict.fromkeys(static, STATIC), **dict.fromkeys(dynamic, DYNAMIC)}

    def __call__(self, results: dict[str, Any]) -> list[Piece]:
        """Split the query of a sample; see :meth:`TagSplit.__call__`."""
        query = results['query']
        return [
            (start, stop, self.roles.get(query[start:stop].lower().strip('.,!?'), OTHER))
            for start, stop in word_spans(query)
        ]


@TASK_UTILS.register_module()
class HalfSplit:
    """A random half of the words guides the context, the rest is injected: the control Q^h of VDI (table 5).

    Drawn anew in every epoch; of an odd number of words the larger part is injected.
    """

    def __call__(self, results: dict[str, Any]) -> list[Piece]:
        """Split the query of a sample; see :meth:`TagSplit.__call__`."""
        spans = word_spans(results['query'])
        guides = set(results['rng'].sample(range(len(spans)), len(spans) // 2))
        return [(start, stop, STATIC if i in guides else DYNAMIC) for i, (start, stop) in enumerate(spans)]
