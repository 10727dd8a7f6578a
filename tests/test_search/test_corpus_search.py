"""Searching the videos of a data set: spaces that are fitted, prediction files, the command."""

import json

import numpy as np
import pytest
import torch

from mmvmr.apis import Moment, MomentFinder
from mmvmr.cli.main import main
from mmvmr.evaluation.corpus_files import read_predictions
from mmvmr.models.similarity import SimilarityMap
from mmvmr.search import SearchHit, SearchResult, prediction_row
from mmvmr.search.joint_space import JointSpace
from mmvmr.search.predictions import vid_of
from mmvmr.utils.io import read_jsonl, write_jsonl

CONFIG = """
_base_ = ['mmvmr::baselines/{kind}_clip_charades.py']
data_root = '{root}'
feature_spec = dict(streams=dict(clip=dict(dim=4)), text=dict(dim=3))
extraction = None
model = dict(predictor=dict(longest=4, maps=dict({kind}=dict(channels=(0, 4), text_dims=3))))
test_dataloader = dict(dataset=dict(ann_file='val.jsonl'))
"""


@pytest.fixture
def data(tmp_path):
    """Twelve videos; clip and sentence of a moment are a one-hot of the same class in different bases."""
    rng = np.random.default_rng(0)
    clips, words = np.eye(4), np.eye(3)
    for folder in ('features/clip_b32_1fps', 'features/minilm_tokens'):
        (tmp_path / folder).mkdir(parents=True)
    rows = []
    for i in range(12):
        kind = i % 3
        video = np.tile(clips[3], (8, 1))
        video[2:5] = clips[kind]
        video += rng.normal(0, 0.05, video.shape)
        np.savez(tmp_path / f'features/clip_b32_1fps/v{i}.npz', features=video.astype(np.float32))
        tokens = words[[(kind + 1) % 3]] + rng.normal(0, 0.05, (2, 3))
        np.savez(tmp_path / f'features/minilm_tokens/qid{i}.npz', last_hidden_state=tokens.astype(np.float32))
        rows.append({'qid': i, 'query': f'{kind}', 'vid': f'v{i}', 'duration': 8.0, 'relevant_windows': [[2, 5]]})
    write_jsonl(tmp_path / 'train.jsonl', rows)
    write_jsonl(tmp_path / 'val.jsonl', rows[:3])  # one video per class
    (tmp_path / 'cfg.py').write_text(CONFIG.format(kind='ridge', root=tmp_path))
    return tmp_path


def test_a_fitted_baseline_finds_video_and_moment(data, capsys):
    checkpoint, preds = str(data / 'fitted.pth'), str(data / 'preds.jsonl')
    assert main(['fit', str(data / 'cfg.py'), '--out', checkpoint]) == 0
    assert main(['search', str(data / 'cfg.py'), '--checkpoint', checkpoint, '--out', preds, '--per-video', '2']) == 0
    rows = read_jsonl(preds)
    assert [row['pred_videos'][0][0] for row in rows] == ['v0', 'v1', 'v2']
    assert rows[0]['pred_corpus_moments'][0][:3] == ['v0', 2.0, 5.0] and len(rows[0]['pred_videos']) == 3
    capsys.readouterr()
    assert main(['eval', preds, str(data / 'val.jsonl'), '--protocol', 'corpus']) == 0
    brief = json.loads(capsys.readouterr().out)['brief']
    assert brief['VR-R1'] == brief['VCMR-R1@0.7'] == 100.0
    # The same ranking for another moment model, here the same file.
    other = str(data / 'other.json')
    command = ['search', str(data / 'cfg.py'), '--checkpoint', checkpoint, '--rank-by', checkpoint, '--out', other]
    assert main(command) == 0
    assert [row['pred_videos'] for row in read_predictions(other, 'corpus')] == [row['pred_videos'] for row in rows]


def test_the_space_of_a_fitted_map(data, capsys):
    """Mapped clips and sentences are those of the map on normalised features, clip by clip."""
    main(['fit', str(data / 'cfg.py'), '--out', str(data / 'fitted.pth')])
    finder = MomentFinder(str(data / 'fitted.pth'), device='cpu')
    space = JointSpace(finder)
    assert isinstance(space.map, SimilarityMap)
    clips = np.array([[3.0, 0, 0, 0], [0, 0, 2, 2]], np.float32)
    unit = torch.tensor(clips / (np.linalg.norm(clips, axis=1, keepdims=True) + 1e-5))
    torch.testing.assert_close(torch.from_numpy(space.clips({'clip': clips})), space.map.mapped(unit))
    tokens = np.array([[2.0, 0, 0], [0, 4, 0]], np.float32)
    mean = torch.tensor([[0.5, 0.5, 0]])
    torch.testing.assert_close(torch.from_numpy(space.sentences([tokens])), space.map.text(mean), atol=1e-4, rtol=0)
    with pytest.raises(ValueError, match=r'needs the streams \[.clip.\], the videos have \[.other.\]'):
        space.clips({'other': clips})
    with pytest.raises(ValueError, match='sentences have 4 dimensions, the model needs 3'):
        space.sentences([clips])
    space.map.fitted.fill_(False)
    with pytest.raises(ValueError, match='is not fitted'):
        JointSpace(finder)


def test_names_of_videos():
    assert vid_of('sub/cat.mp4') == 'sub/cat'
    assert vid_of('sub/cat.mp4', {'cat'}) == 'cat' and vid_of('sub/cat.mp4', {'sub/cat.mp4'}) == 'sub/cat.mp4'
    hit = SearchHit('sub/cat.mp4', Moment(1.23456, 2.0, 0.5), 0.25, -1.0)
    row = prediction_row({'qid': 3, 'query': 'x'}, SearchResult([('sub/cat.mp4', 0.25)], [hit]), {'cat'})
    assert row == {
        'qid': 3,
        'query': 'x',
        'pred_corpus_moments': [['cat', 1.2346, 2.0, -1.0]],
        'pred_videos': [['cat', 0.25]],
    }


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['{cfg}', '--out', 'preds.txt'], '--out preds.txt: expected a name that ends in .jsonl'),
        (
            ['{cfg}', '--queries', '{root}/empty.jsonl', '--checkpoint', '{root}/fitted.pth'],
            'empty.jsonl: the file is empty, expected lines with "qid"',
        ),
        (['{cfg}', 'a dog', '--out', '{root}/p.jsonl'], 'give the sentences as --queries FILE'),
        (['{root}/features', 'a dog'], 'is not an index; if it holds videos, run `mmvmr index'),
        (['ridge_clip_charade', 'a dog'], 'near names of shipped configs: ridge_clip_charades'),
        (['{cfg}', '--queries', '{root}/bad.jsonl', '--checkpoint', '{root}/fitted.pth'], 'row 1: expected "qid"'),
        (
            ['{cfg}', '--queries', '{root}/twice.jsonl', '--checkpoint', '{root}/fitted.pth'],
            'row 2: qid 1 is that of row 1 too; number anew',
        ),
    ],
)
def test_mistakes(data, capsys, arguments, message):
    main(['fit', str(data / 'cfg.py'), '--out', str(data / 'fitted.pth')])
    write_jsonl(data / 'empty.jsonl', [])
    write_jsonl(data / 'bad.jsonl', [{'query': 'a dog'}])
    write_jsonl(data / 'twice.jsonl', [{'qid': 1, 'query': 'a dog'}, {'qid': 1, 'query': 'a cat'}])
    with pytest.raises(SystemExit):
        main(['search', *(word.format(cfg=data / 'cfg.py', root=data) for word in arguments)])
    assert message in capsys.readouterr().err
