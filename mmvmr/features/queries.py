"""Features of the sentences of annotation files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mmvmr.features.base import TextExtractor
from mmvmr.features.folder import FeatureFolder
from mmvmr.features.spec import TEXT
from mmvmr.utils import read_jsonl
from mmvmr.utils.paths import name_issue


def read_queries(files: Iterable[str]) -> dict[Any, str]:
    """The sentences of annotation files.

    Args:
        files: jsonl files with ``qid`` and ``query`` per line; other keys do not matter.

    Returns:
        qid to sentence.

    Raises:
        FileNotFoundError: If a file is absent.
        ValueError: If a file is empty, a line lacks one, or a qid stands for two sentences; the message names file and
            line.
    """
    queries: dict[str, str] = {}
    for file in files:
        if not (rows := read_jsonl(file)):
            raise ValueError(f'{file}: the file is empty, expected lines with "qid" and "query"')
        for number, row in enumerate(rows, start=1):
            where = f'{file}: annotation {number}'
            qid, query = row.get('qid'), row.get('query')
            if qid is None or not isinstance(query, str) or not query.strip():
                raise ValueError(f'{where}: expected "qid" and a "query" that is not empty, found {qid!r}, {query!r}')
            issue = "it holds '/'" if '/' in str(qid) else name_issue(f'qid{qid}.npz')
            if issue:
                raise ValueError(f'{where}: qid {qid!r} cannot be the name of a file: {issue}')
            if queries.setdefault(str(qid), query) != query:
                raise ValueError(
                    f'{where}: qid {qid} stands for {query!r} here and for {queries[str(qid)]!r} before; make every '
                    'qid unique, or extract the files into different folders'
                )
    return queries


def open_queries(queries: Mapping[Any, str], folder: FeatureFolder) -> dict[Any, str]:
    """Sentences whose files are absent or damaged.

    Args:
        queries: qid to sentence.
        folder: Where the files are.

    Returns:
        The part of ``queries`` that is left to do.

    Raises:
        ValueError: If the file of a qid is of another sentence. A file of an earlier version does not say its sentence.
    """
    return {qid: query for qid, query in queries.items() if folder.issue(TEXT, qid, query) is not None}


def extract_queries(
    queries: Mapping[Any, str],
    extractor: TextExtractor,
    folder: FeatureFolder,
    progress: Callable[[int], None] = lambda count: None,
) -> None:
    """Write the features of sentences.

    Args:
        queries: qid to sentence.
        extractor: What makes them.
        folder: Where they go.
        progress: Called with the number of sentences that were written.

    Raises:
        ValueError: If a sentence cannot be encoded, or the extractor says something else than declared.
    """
    items = list(queries.items())
    for first in range(0, len(items), extractor.batch_sentences):
        batch = items[first : first + extractor.batch_sentences]
        for (qid, query), (tokens, pooled) in zip(batch, _encoded(extractor, [query for _, query in batch])):
            if tokens.ndim != 2 or not len(tokens) or tokens.shape[1] != extractor.dim:
                raise ValueError(
                    f'qid {qid} ({query!r}): tokens of shape {tokens.shape}, expected (L, {extractor.dim})'
                )
            folder.write(TEXT, qid, tokens, pooled, sentence=query)
        progress(len(batch))


def _encoded(extractor: TextExtractor, sentences: Sequence[str]) -> Sequence[Any]:
    vectors = extractor(sentences)
    if len(vectors) != len(sentences):
        raise ValueError(f'{type(extractor).__name__} made {len(vectors)} results for {len(sentences)} sentences')
    return vectors
