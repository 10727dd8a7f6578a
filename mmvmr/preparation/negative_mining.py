"""Mining of negative queries: queries of a video that do not match each other's moments (BM-DETR, section 3.2)."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmvmr.datasets.samplers.same_video import Row, apart, group_by_video
from mmvmr.datasets.stores.feature_stores import FolderStore
from mmvmr.utils.arrays import NpzArrays, read_npy
from mmvmr.utils.content import reason, regular_file
from mmvmr.utils.dependencies import refuse_model_code
from mmvmr.utils.io import read_text

KEY = 'neg_query_ids'


class Mined(NamedTuple):
    """Negatives of every query.

    Attributes:
        ids: Query ids of the negatives of every row, in the order of the file.
        alone: Rows without another query of the same video.
        overlapping: Rows whose other queries all overlap with them, or say the same words.
        similar: Rows whose remaining queries all say something similar.
    """

    ids: list[list[Any]]
    alone: int
    overlapping: int
    similar: int


def mine_negatives(
    rows: Sequence[Row], embeddings: np.ndarray | None, max_iou: float = 0.5, max_similarity: float = 0.7
) -> Mined:
    """Find the negatives of every query: of the same video, at another place, about something else.

    Time and memory grow with the queries of a video squared, and with the number of videos.

    Args:
        rows: Annotation rows.
        embeddings: One vector per row (N, D); None compares no sentences but equal ones.
        max_iou: Largest IoU (excluded) between any two moments of both queries.
        max_similarity: Largest cosine (excluded) of their sentences.

    Returns:
        The negatives, and why some queries have none.

    Raises:
        ValueError: If no row has a moment, or an embedding is not finite or zero.
    """
    if not any(row.get('relevant_windows') for row in rows):
        raise ValueError('no annotation has relevant_windows: negative queries are recognised by their moments')
    unit = None if embeddings is None else _unit(embeddings, rows)
    qids = [row['qid'] for row in rows]
    ids: list[list[Any]] = [[] for _ in rows]
    alone = overlapping = similar = 0
    for group in group_by_video(rows).values():
        elsewhere = apart([rows[i] for i in group], max_iou)
        allowed = elsewhere if unit is None else elsewhere & (unit[group] @ unit[group].T < max_similarity)
        left, place = allowed.any(1), elsewhere.any(1)
        alone += len(group) == 1
        overlapping += int((~place).sum()) if len(group) > 1 else 0
        similar += int((place & ~left).sum())
        for index, row in zip(group, allowed):
            ids[index] = [qids[group[other]] for other in np.flatnonzero(row)]
    return Mined(ids, alone, overlapping, similar)


def _unit(embeddings: np.ndarray, rows: Sequence[Row]) -> np.ndarray:
    vectors = np.asarray(embeddings, dtype=np.float32)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    wrong = np.flatnonzero(~(np.isfinite(length[:, 0]) & (length[:, 0] > 0)))
    if len(wrong):
        raise ValueError(
            f'{len(wrong)} of {len(rows)} sentence embeddings are zero or not finite, the first of qid '
            f'{rows[wrong[0]]["qid"]!r}: make them again'
        )
    return vectors / length


def embed_sentences(rows: Sequence[Row], model: str, batch_size: int = 256, device: str | None = None) -> np.ndarray:
    """Embed every different sentence once with a sentence-transformers model.

    Args:
        rows: Annotation rows.
        model: Path or name of the model.
        batch_size: Sentences at a time.
        device: Where it runs; None lets the package choose.

    Returns:
        One vector per row (N, D).

    Raises:
        ImportError: If the package is not installed.
        ValueError: If the model cannot be loaded.
    """
    try:
        package = importlib.import_module('sentence_transformers')
    except ImportError as error:
        raise ImportError(
            '--model needs sentence-transformers: pip install sentence-transformers, or give embeddings that were made '
            f'elsewhere with --embeddings. Found: {error}'
        ) from None
    try:
        refuse_model_code(model, '--model')
        encoder = package.SentenceTransformer(model, device=device, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise ValueError(f'--model {model!r}: no model of this path or name can be loaded: {reason(error)}') from None
    sentences = list(dict.fromkeys(row['query'] for row in rows))
    place = {sentence: number for number, sentence in enumerate(sentences)}
    vectors = np.asarray(encoder.encode(sentences, batch_size=batch_size, convert_to_numpy=True))
    return vectors[[place[row['query']] for row in rows]]


def read_embeddings(file: str, rows: Sequence[Row], qids: str | None = None, key: str | None = None) -> np.ndarray:
    """Read embeddings that were made elsewhere, nothing of which is unpickled.

    Args:
        file: ``.npz`` with ``qids`` (N,) and ``embeddings`` (N, D); ``.npy`` (N, D) in the order of the annotations or
            of ``qids``; or, with ``{qid}`` in its name, one file per query, as feature stores have them.
        rows: Annotation rows.
        qids: For ``.npy``: a ``.npy`` with the query ids, or a text file with one per line.
        key: Array inside an ``.npz`` other than ``embeddings``, or inside the file of a query.

    Returns:
        One vector per row (N, D).

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If the file has another form, or lacks a query.
    """
    if '{' in file:
        return _one_file_each(file, rows, key)
    path = regular_file(file)
    if path.suffix == '.npy':
        vectors, listed = read_npy(path), _read_qids(qids)
    else:
        loaded, name = NpzArrays(path), key or 'embeddings'
        if absent := [n for n in ('qids', name) if n not in loaded]:
            raise ValueError(f'{path}: no arrays {absent}, expected qids (N,) and {name} (N, D), found {list(loaded)}')
        vectors, listed = loaded[name], [str(qid) for qid in loaded['qids'].tolist()]
    expected = len(rows) if listed is None else len(listed)
    if vectors.ndim != 2 or len(vectors) != expected:
        whose = 'annotations (give their order with --qids)' if listed is None else 'query ids'
        raise ValueError(f'{path}: embeddings of shape {vectors.shape} for {expected} {whose}, expected (N, D)')
    return vectors if listed is None else vectors[_places(listed, rows, path)]


def _places(qids: list[str], rows: Sequence[Row], path: Path) -> list[int]:
    place = {qid: number for number, qid in enumerate(qids)}
    lacking = [row['qid'] for row in rows if str(row['qid']) not in place]
    if lacking:
        raise ValueError(
            f'{path}: no embedding for {len(lacking)} of {len(rows)} queries, the first is qid {lacking[0]!r}; '
            'embed the sentences of this annotation file'
        )
    return [place[str(row['qid'])] for row in rows]


def _read_qids(file: str | None) -> list[str] | None:
    if file is None:
        return None
    path = Path(file)
    if path.suffix == '.npy':
        return [str(qid) for qid in read_npy(path).tolist()]
    return read_text(path).split()


def _one_file_each(template: str, rows: Sequence[Row], key: str | None) -> np.ndarray:
    path = Path(template)
    store = FolderStore(str(path.parent), path.name, key)
    vectors = [np.squeeze(store.read(row)) for row in rows]
    shapes = {vector.shape for vector in vectors}
    if len(shapes) > 1 or vectors[0].ndim != 1:
        raise ValueError(
            f'{template}: arrays of shapes {sorted(shapes)[:3]}, expected one vector per query; name the pooled array '
            'with --key'
        )
    return np.stack(vectors)


def with_negatives(line: str, row: Row, ids: list[Any]) -> str:
    """Add the negatives to the line of an annotation, whose other characters stay as they are.

    Args:
        line: The line, without its end.
        row: What it says.
        ids: Query ids.

    Returns:
        The new line. A list that is there already is replaced, for which the line is written anew.
    """
    if KEY in row:
        return json.dumps({**row, KEY: ids}, ensure_ascii=False)
    head = line.rstrip()[:-1].rstrip()
    return f'{head}, {json.dumps(KEY)}: {json.dumps(ids, ensure_ascii=False)}}}'
