"""Mining negative queries: what is found, what is refused, and that nothing else changes."""

import json
import os
import re
import sys
import types

import numpy as np
import pytest
from run_helpers import REPO

from mmvmr.preparation.negative_mining import (
    KEY,
    embed_sentences,
    mine_negatives,
    read_embeddings,
    with_negatives,
)
from mmvmr.utils import read_jsonl

sys.path.insert(0, str(REPO / 'tools' / 'dataset_converters'))
import mine_negative_queries as tool

WINDOWS = {0: [[0, 10]], 1: [[20, 30]], 2: [[5, 15]], 3: [[40, 50], [60, 70]], 4: [[60, 71]]}
#: Queries 1 and 3 say much the same; 5 is alone in its video.
VECTORS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 2], [0.1, 1, 0], [1, 1, 1], [1, 0, 0]], np.float32)


@pytest.fixture
def rows():
    made = [
        dict(qid=qid, query=f'sentence {qid}', duration=80.0, vid='v', relevant_windows=windows)
        for qid, windows in WINDOWS.items()
    ]
    return [*made, dict(qid='five', query='alone', duration=80.0, vid='w', relevant_windows=[[0, 1]])]


@pytest.fixture
def file(tmp_path, rows):
    path = tmp_path / 'train.jsonl'
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    return path


def mine(*args):
    return tool.main([str(arg) for arg in args])


def test_moments_alone(rows):
    mined = mine_negatives(rows, None)
    # 3 and 4 overlap by 10 / 11, 0 and 2 by 1 / 3.
    assert mined.ids == [[1, 2, 3, 4], [0, 2, 3, 4], [0, 1, 3, 4], [0, 1, 2], [0, 1, 2], []]
    assert (mined.alone, mined.overlapping, mined.similar) == (1, 0, 0)
    assert mine_negatives(rows, None, max_iou=1 / 3).ids[0] == [1, 3, 4]


def test_moments_and_sentences(rows):
    mined = mine_negatives(rows, VECTORS, max_similarity=0.57)
    assert mined.ids == [[1, 2, 3], [0, 2], [0, 1, 3], [0, 2], [], []]
    assert (mined.alone, mined.overlapping, mined.similar) == (1, 0, 1)


def test_against_all_pairs(rows):
    rng = np.random.default_rng(0)
    many = []
    for qid in range(120):
        start = rng.uniform(0, 60, size=2)
        windows = np.stack((start, start + rng.uniform(1, 20, size=2)), 1)[: 1 + qid % 2].tolist()
        many.append(dict(qid=qid, vid=f'v{qid % 7}', query=f'{qid % 50}', duration=90.0, relevant_windows=windows))
    vectors = rng.normal(size=(120, 4))
    found = mine_negatives(many, vectors, 0.3, 0.4).ids

    def iou(a, b):
        overlap = max(0, min(a[1], b[1]) - max(a[0], b[0]))
        return overlap / (a[1] - a[0] + b[1] - b[0] - overlap)

    for i, one in enumerate(many):
        expected = []
        for j, other in enumerate(many):
            if i == j or one['vid'] != other['vid'] or one['query'] == other['query']:
                continue
            cosine = vectors[i] @ vectors[j] / np.linalg.norm(vectors[i]) / np.linalg.norm(vectors[j])
            worst = max(iou(a, b) for a in one['relevant_windows'] for b in other['relevant_windows'])
            if worst < 0.3 and cosine < 0.4:
                expected.append(j)
        assert found[i] == expected


def test_size_of_activitynet():
    """37,000 queries of 10,000 videos; not timed, but a loop over all pairs would not end."""
    rng = np.random.default_rng(0)
    count, videos = 37_000, 10_000
    start = rng.uniform(0, 100, size=count)
    owner = rng.integers(0, videos, size=count)
    rows = [
        dict(qid=i, vid=f'v{owner[i]}', query=f'q {i}', duration=120.0, relevant_windows=[[start[i], start[i] + 15]])
        for i in range(count)
    ]
    mined = mine_negatives(rows, rng.normal(size=(count, 32)).astype(np.float32))
    assert len(mined.ids) == count
    alone = sum(np.bincount(owner, minlength=videos) == 1)
    assert mined.alone == alone
    assert sum(map(bool, mined.ids)) + mined.alone + mined.overlapping + mined.similar == count
    assert all(rows[j]['vid'] == rows[i]['vid'] for i in range(0, count, 997) for j in mined.ids[i])


@pytest.mark.parametrize('form', ['npz', 'npy', 'npy with ids', 'text ids', 'one file each'])
def test_forms_of_embeddings(tmp_path, rows, form):
    order = [5, 3, 0, 1, 2, 4]
    qids = [str(rows[i]['qid']) for i in order]
    if form == 'npz':
        np.savez(tmp_path / 'e.npz', qids=np.array(qids), embeddings=VECTORS[order])
        found = read_embeddings(str(tmp_path / 'e.npz'), rows)
    elif form == 'npy':
        np.save(tmp_path / 'e.npy', VECTORS)
        found = read_embeddings(str(tmp_path / 'e.npy'), rows)
    elif form == 'one file each':
        for row, vector in zip(rows, VECTORS):
            np.savez(tmp_path / f'qid{row["qid"]}.npz', last_hidden_state=np.zeros((4, 3)), pooled=vector[None])
        found = read_embeddings(str(tmp_path / 'qid{qid}.npz'), rows, key='pooled')
    else:
        np.save(tmp_path / 'e.npy', VECTORS[order])
        ids = tmp_path / ('ids.npy' if form == 'npy with ids' else 'ids.txt')
        if ids.suffix == '.npy':
            np.save(ids, np.array(qids))
        else:
            ids.write_text('\n'.join(qids))
        found = read_embeddings(str(tmp_path / 'e.npy'), rows, str(ids))
    np.testing.assert_array_equal(found, VECTORS)


@pytest.mark.parametrize(
    ('arrays', 'message'),
    [
        (dict(embeddings=VECTORS), r"no arrays \['qids'\].*found \['embeddings'\]"),
        (dict(qids=np.arange(6), embeddings=VECTORS), "no embedding for 1 of 6 queries, the first is qid 'five'"),
        (dict(qids=np.arange(5), embeddings=VECTORS), r'shape \(6, 3\) for 5 query ids'),
        (dict(qids=np.array(['a'], object), embeddings=VECTORS), 'Python objects'),
    ],
)
def test_embeddings_that_do_not_fit(tmp_path, file, capsys, arrays, message):
    np.savez(tmp_path / 'e.npz', **arrays)
    with pytest.raises(SystemExit):
        mine(file, tmp_path / 'out.jsonl', '--embeddings', tmp_path / 'e.npz')
    assert re.search(message, capsys.readouterr().err)
    assert not (tmp_path / 'out.jsonl').exists()


def test_more_that_is_refused(tmp_path, rows):
    np.save(tmp_path / 'e.npy', VECTORS[:4])
    with pytest.raises(ValueError, match=r'shape \(4, 3\) for 6 annotations \(give their order with --qids\)'):
        read_embeddings(str(tmp_path / 'e.npy'), rows)
    with pytest.raises(FileNotFoundError, match='no such file'):
        read_embeddings(str(tmp_path / 'absent.npy'), rows)
    (tmp_path / 'text.npy').write_text('no array')
    with pytest.raises(ValueError, match=r'text\.npy: not an'):
        read_embeddings(str(tmp_path / 'text.npy'), rows)
    with pytest.raises(ValueError, match='2 of 6 sentence embeddings are zero or not finite, the first of qid 1'):
        mine_negatives(rows, VECTORS * np.array([[1], [0], [1], [np.nan], [1], [1]]))
    with pytest.raises(ValueError, match='no annotation has relevant_windows'):
        mine_negatives([dict(qid=0, vid='v', query='q')], None)
    for name in ('qid0', 'qid1', 'qid2', 'qid3', 'qid4', 'qidfive'):
        np.savez(tmp_path / f'{name}.npz', last_hidden_state=np.zeros((len(name), 3)))
    with pytest.raises(ValueError, match='expected one vector per query; name the pooled array with --key'):
        read_embeddings(str(tmp_path / 'qid{qid}.npz'), rows)


class FakeModel:
    """Counts what it is given; a sentence is its length."""

    encoded = None

    def __init__(self, name, device=None, trust_remote_code=True):
        assert trust_remote_code is False
        if name == 'absent':
            raise OSError('absent is not a local folder\nand more')
        self.device = device

    def encode(self, sentences, batch_size, convert_to_numpy):
        assert convert_to_numpy
        FakeModel.encoded = list(sentences)
        return np.array([[len(sentence), batch_size] for sentence in sentences], np.float32)


@pytest.fixture
def package(monkeypatch):
    module = types.ModuleType('sentence_transformers')
    module.SentenceTransformer = FakeModel
    monkeypatch.setitem(sys.modules, 'sentence_transformers', module)


def test_every_sentence_is_embedded_once(package, rows):
    rows[3]['query'] = rows[0]['query']
    vectors = embed_sentences(rows, 'any/model', batch_size=7)
    assert FakeModel.encoded == ['sentence 0', 'sentence 1', 'sentence 2', 'sentence 4', 'alone']
    assert vectors.tolist() == [[len(row['query']), 7] for row in rows]


def test_model_on_the_command_line(package, file, tmp_path, capsys):
    mine(file, tmp_path / 'out.jsonl', '--model', 'any/model', '--max-similarity', '1')
    assert '0 of 6 queries have negatives' not in capsys.readouterr().out
    with pytest.raises(SystemExit):
        mine(file, tmp_path / 'other.jsonl', '--model', 'absent')
    assert "--model 'absent': no model of this path or name can be loaded: absent is not" in capsys.readouterr().err


def test_missing_package(monkeypatch, file, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, 'sentence_transformers', None)
    with pytest.raises(SystemExit):
        mine(file, tmp_path / 'out.jsonl', '--model', 'any/model')
    assert 'pip install sentence-transformers, or give embeddings' in capsys.readouterr().err


def test_rest_of_a_row_is_untouched(tmp_path, capsys):
    """Numbers, escapes, spaces and order as they were; only the key is new."""
    lines = [
        '{"vid":"v",  "qid": 1, "query": "caf\\u00e9 \u2028 x", "duration": 1e1, "relevant_windows": [[0.10, 3]]}  ',
        '',
        '{"qid": 12345678901234567890, "query": "b", "vid": "v", "duration": 10.0, "relevant_windows": [[5, 9.000]]}',
    ]
    source = tmp_path / 'a.jsonl'
    source.write_bytes('\r\n'.join(lines).encode())
    mine(source, tmp_path / 'out.jsonl', '--moments-only')
    written = (tmp_path / 'out.jsonl').read_text(encoding='utf-8').split('\n')
    assert written == [
        lines[0].rstrip()[:-1] + ', "neg_query_ids": [12345678901234567890]}',
        lines[2][:-1] + ', "neg_query_ids": [1]}',
        '',
    ]
    assert '2 of 2 queries have negatives, 1.0 on average' in capsys.readouterr().out


def test_nothing_is_overwritten_unasked(tmp_path, file, rows, capsys):
    out = tmp_path / 'out.jsonl'
    mine(file, out, '--moments-only')
    before = out.read_bytes()
    with pytest.raises(SystemExit):
        mine(file, out, '--moments-only')
    assert 'exists: give another OUT, or --overwrite' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        mine(out, tmp_path / 'second.jsonl', '--moments-only')
    assert 'neg_query_ids are there already; --overwrite' in capsys.readouterr().err
    assert out.read_bytes() == before
    mine(out, out, '--moments-only', '--max-iou', '0.01', '--overwrite')  # in place
    assert read_jsonl(out)[0][KEY] == [1, 3, 4]
    assert [{k: v for k, v in row.items() if k != KEY} for row in read_jsonl(out)] == rows
    assert sorted(os.listdir(tmp_path)) == ['out.jsonl', 'train.jsonl']


def test_a_broken_line_is_named(tmp_path, file, capsys):
    file.write_text(file.read_text()[:-20])
    with pytest.raises(SystemExit):
        mine(file, tmp_path / 'out.jsonl', '--moments-only')
    assert 'train.jsonl:6: not valid JSON' in capsys.readouterr().err


def test_lists_that_are_there_are_replaced():
    row = {'qid': 1, KEY: [3], 'query': 'é'}
    assert with_negatives(json.dumps(row), row, [5]) == '{"qid": 1, "neg_query_ids": [5], "query": "é"}'
