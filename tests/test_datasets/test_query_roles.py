"""Words of change and of things: tags, splits, tokens, patches."""

import json

import numpy as np
import pytest
import torch

from mmvmr.datasets import ArrayStore, BaseMomentDataset, HalfSplit, LexiconSplit, SeededRng, TagSplit
from mmvmr.datasets.transforms.query_tags import word_spans
from mmvmr.preparation.query_tagger import SpacyTagger
from mmvmr.structures import FeatureSpec

QUERY = 'person quickly picks up the red bag'
TAGS = ['NOUN', 'ADV', 'VERB', 'PRT', 'DET', 'ADJ', 'NOUN']
HEADS = [2, 2, 2, 2, 6, 6, 2]


def tagged(query=QUERY, tags=TAGS, heads=None):
    heads = [None] * len(tags) if heads is None else heads
    return dict(qid=1, query=query, query_tags=[[*s, t, h] for s, t, h in zip(word_spans(query), tags, heads)])


def roles(pieces):
    return [role for _, _, role in pieces]


@pytest.mark.parametrize('heads', [None, HEADS])
def test_split_by_tags(heads):
    pieces = TagSplit()(tagged(heads=heads))
    assert roles(pieces) == [2, 1, 1, 1, 0, 2, 2]
    assert [QUERY[a:b] for a, b, role in pieces if role == 1] == ['quickly', 'picks', 'up']


def test_attached_words_need_a_word_of_change():
    row = tagged('a very red bag falls down slowly', ['DET', 'ADV', 'ADJ', 'NOUN', 'VERB', 'PRT', 'ADV'])
    assert roles(TagSplit()(row)) == [0, 0, 2, 2, 1, 1, 1]
    # The same with dependencies: "very" depends on "red", "slowly" on the particle.
    row = tagged(row['query'], ['DET', 'ADV', 'ADJ', 'NOUN', 'VERB', 'PRT', 'ADV'], [3, 2, 3, 4, 4, 4, 5])
    assert roles(TagSplit()(row)) == [0, 0, 2, 2, 1, 1, 1]
    assert roles(TagSplit(attached=())(row)) == [0, 0, 2, 2, 1, 0, 0]
    assert roles(TagSplit(dynamic=('VERB', 'NOUN'), static=('ADJ',))(row)) == [0, 0, 2, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ('tags', 'message'),
    [
        (None, 'qid 1: the annotation has no query_tags; write them with tools/dataset_converters/tag_queries.py'),
        ([[0, 3, 'NOUN']], r'expected \[first character'),
        ([[0, 99, 'NOUN', None]], 'within the 35 characters'),
        ([[5, 5, 'NOUN', None]], 'query_tags has'),
    ],
)
def test_impossible_tags(tags, message):
    with pytest.raises(ValueError, match=message):
        TagSplit()(dict(qid=1, query=QUERY, query_tags=tags))


def test_split_by_lists():
    split = LexiconSplit(dynamic=['opens'], static=['dog', 'kitchen'])
    assert roles(split(dict(query='In the kitchen, the Dog opens it.'))) == [0, 0, 2, 0, 2, 1, 0]


def test_half_of_the_words():
    results = [HalfSplit()(dict(query=QUERY, rng=SeededRng(0, epoch, 3))) for epoch in range(5)]
    for pieces in results:
        assert sorted(roles(pieces)) == [1, 1, 1, 1, 2, 2, 2]
    assert len({tuple(roles(pieces)) for pieces in results}) > 1
    assert HalfSplit()(dict(query=QUERY, rng=SeededRng(0, 2, 3))) == results[2]


class _Pieces(ArrayStore):
    """Tokens of three characters between two special ones."""

    def spans(self, query):
        inner = [(i, min(i + 3, len(query))) for i in range(0, len(query), 3)]
        return [(0, 0), *inner, (0, 0)]


def make_dataset(augment, tokens=7, store=ArrayStore, patches=None, row=None):
    row = {**tagged(heads=HEADS), 'vid': 'v', 'duration': 4.0, 'relevant_windows': [[0.0, 2.0]], **(row or {})}
    arrays = {'v': np.ones((4, 2), np.float32), QUERY: np.ones((tokens, 3), np.float32), 'p': patches}
    spec = dict(streams=dict(a=dict(dim=2)), text=dict(dim=3), clip_len=1.0, tef=False)
    inputs = dict(video='video_feat', text='text_feat', roles='roles', patches='patches', static_text='static_text')
    pipeline = dict(
        load=dict(type='LoadMomentFeatures'),
        augment=augment,
        targets=dict(type='BuildMomentTargets', labels=dict(type='MomentLabels')),
        pack=dict(type='PackMomentInputs', inputs=inputs),
    )
    stores = dict(a=ArrayStore(arrays), text=store(arrays, '{query}'))
    return BaseMomentDataset([row], stores, FeatureSpec.from_dict(spec), pipeline)


SPLIT = dict(roles=dict(type='SplitQuery', split=dict(type='TagSplit')))


def test_roles_of_words():
    item = make_dataset(SPLIT)[0]
    assert item['inputs']['roles'].dtype == torch.int64
    assert item['inputs']['roles'].tolist() == [2, 1, 1, 1, 0, 2, 2]


def test_roles_of_parts_of_words():
    item = make_dataset(SPLIT, tokens=14, store=_Pieces)[0]
    # per|son| qu|ick|ly |pic|ks |up |the| re|d b|ag: a token has the role of the first word that it touches.
    assert item['inputs']['roles'].tolist() == [0, 2, 2, 1, 1, 1, 1, 1, 1, 0, 2, 2, 2, 0]


def test_a_cut_sentence_has_the_roles_of_what_is_left():
    assert make_dataset(SPLIT, tokens=3)[0]['inputs']['roles'].tolist() == [2, 1, 1]


def test_unknown_tokens():
    with pytest.raises(ValueError, match=r'9 token features, but 7 tokens are known: name the tokenizer'):
        make_dataset(SPLIT, tokens=9)[0]


@pytest.fixture
def patch_files(tmp_path):
    np.savez(tmp_path / 'v.npz', features=np.random.default_rng(0).random((6, 4, 5)).astype(np.float16))
    return dict(type='FolderStore', folder=str(tmp_path))


def test_patches(patch_files, tmp_path):
    augment = dict(patches=dict(type='LoadPatches', store=patch_files, num_frames=3, shape=(4, 5)))
    patches = make_dataset(augment)[0]['inputs']['patches']
    stored = np.load(tmp_path / 'v.npz')['features']
    assert patches.dtype == torch.float16
    assert np.array_equal(patches.numpy(), stored[[1, 3, 5]])
    augment['patches']['num_frames'] = 12
    assert np.array_equal(make_dataset(augment)[0]['inputs']['patches'].numpy(), stored[np.repeat(range(6), 2)])


def test_damaged_patches(patch_files, tmp_path):
    augment = dict(patches=dict(type='LoadPatches', store=patch_files, shape=(9, 5)))
    with pytest.raises(ValueError, match=r'have shape \(6, 4, 5\), expected \(frames, 9, 5\)'):
        make_dataset(augment)[0]
    np.savez(tmp_path / 'v.npz', features=np.full((6, 4, 5), np.nan))
    augment['patches']['shape'] = None
    with pytest.raises(ValueError, match='NaN or infinite'):
        make_dataset(augment)[0]
    with pytest.raises(FileNotFoundError, match=r'patches: 1 missing in .*: w\.npz'):
        make_dataset(augment, row=dict(vid='w'))


def test_static_query(tmp_path):
    np.savez(tmp_path / '1.npz', features=np.arange(3.0))
    store = dict(type='FolderStore', folder=str(tmp_path), template='{qid}.npz')
    item = make_dataset(dict(static=dict(type='LoadStaticQuery', store=store)))[0]
    assert item['inputs']['static_text'].tolist() == [[0.0, 1.0, 2.0]]
    np.savez(tmp_path / '1.npz', features=np.ones((2, 3)))
    with pytest.raises(ValueError, match=r'has shape \(2, 3\), expected one vector'):
        make_dataset(dict(static=dict(type='LoadStaticQuery', store=store)))[0]


@pytest.fixture(scope='module')
def pipeline(tmp_path_factory):
    """A spaCy pipeline that knows a few words, in a folder."""
    spacy = pytest.importorskip('spacy')
    nlp = spacy.blank('en')
    ruler = nlp.add_pipe('attribute_ruler')
    known = dict(person='NOUN', bag='NOUN', red='ADJ', picks='VERB', the='DET', quickly='ADV', up='ADP')
    for word, tag in known.items():
        attrs = {'POS': tag, 'TAG': 'RP'} if word == 'up' else {'POS': tag}
        ruler.add(patterns=[[{'LOWER': word}]], attrs=attrs)
    folder = tmp_path_factory.mktemp('spacy')
    nlp.to_disk(folder)
    return str(folder)


def test_tagger(pipeline):
    tags, other = SpacyTagger(pipeline)([QUERY, 'the  bag'])
    assert [tag for _, _, tag, _ in tags] == TAGS
    assert [(a, b) for a, b, _, _ in tags] == word_spans(QUERY)
    assert [head for *_, head in tags] == [None] * 7
    assert [tuple(tag[:3]) for tag in other] == [(0, 3, 'DET'), (5, 8, 'NOUN')]


def test_missing_pipeline(tmp_path):
    pytest.importorskip('spacy')
    with pytest.raises(FileNotFoundError, match='python -m spacy download en_core_web_sm'):
        SpacyTagger(str(tmp_path / 'nothing'))


def test_pipeline_without_tags(tmp_path):
    spacy = pytest.importorskip('spacy')
    spacy.blank('en').to_disk(tmp_path)
    with pytest.raises(ValueError, match='gives no parts of speech'):
        list(SpacyTagger(str(tmp_path))(['the bag']))


def test_without_spacy(monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'spacy', None)
    with pytest.raises(ImportError, match='SpacyTagger needs spaCy: pip install spacy'):
        SpacyTagger()


@pytest.fixture
def tool(repo_dir):
    import importlib.util

    path = repo_dir / 'tools' / 'dataset_converters' / 'tag_queries.py'
    spec = importlib.util.spec_from_file_location('tag_queries', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


def test_converter(pipeline, tool, tmp_path, capsys):
    rows = [dict(qid=i, query=q, vid='v', duration=9.0) for i, q in enumerate((QUERY, 'the bag', 'up'))]
    source = tmp_path / 'train.jsonl'
    source.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    arguments = [str(source), '--out', str(tmp_path / 'tagged'), '--model', pipeline]
    assert tool(arguments) == 0
    assert '3 queries, 1 with words of change, 2 with words of things' in capsys.readouterr().out
    written = [json.loads(line) for line in (tmp_path / 'tagged' / 'train.jsonl').read_text().splitlines()]
    assert [{key: row[key] for key in rows[0]} for row in written] == rows
    assert roles(TagSplit()(written[0])) == [2, 1, 1, 1, 0, 2, 2]
    for again, code in (([], 2), (['--overwrite'], 0)):
        if code:
            with pytest.raises(SystemExit) as error:
                tool([*arguments, *again])
            assert error.value.code == 2
            assert 'is there already' in capsys.readouterr().err
        else:
            assert tool([*arguments, *again]) == 0
    with pytest.raises(SystemExit):
        tool([str(source), '--out', str(tmp_path), '--model', pipeline, '--overwrite'])
    assert json.loads(source.read_text().splitlines()[0]) == rows[0], 'the source is never written over'
