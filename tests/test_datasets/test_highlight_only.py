"""Data sets that label clips and no moments: annotations, joined stores, targets, and a run from config to metric."""

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmvmr.datasets import AnnotationReader, AnnotatorLabels, BinaryLabels, BuildHighlightTargets, JoinedStore
from mmvmr.datasets.transforms.loading import l2_normalise
from mmvmr.evaluation.functional import evaluate_predictions
from mmvmr.registry import DATASETS
from mmvmr.utils import read_jsonl
from mmvmr.utils.cli import write_predictions_to
from mmvmr.utils.setup import setup_env

CONFIGS = {
    'tvsum': ('_base_/datasets/tvsum.py', 'tvsum/tvsum_{}_release.jsonl', 'BK'),
    'youtube': ('_base_/datasets/youtube.py', 'youtube_highlights/youtube_highlight_{}_release.jsonl', 'parkour'),
}


def made_up_rows(name, seed):
    rng = np.random.default_rng(seed)
    annotators, best = (20, 6) if name == 'tvsum' else (1, 2)
    rows = []
    for index in range(4):
        length = int(rng.integers(9, 14))
        table = rng.integers(0 if name == 'youtube' else 1, best, (length, annotators))
        table[0], table[1] = 0 if name == 'youtube' else 1, best - 1
        rows.append(
            dict(qid=f'{seed}q{index}', query='a bee', duration=float(length), vid=f'{seed}v{index}')
            | dict(relevant_clip_ids=None, relevant_windows=None, label=table.tolist())
            | dict(domain='XY' if index % 2 else 'BK')
        )
    return rows


def write(name, folder, rows_by_split, extra=1):
    """Annotation files and random features in the layout that the config reads; ``extra`` clips too many."""
    config = Config.fromfile(f'configs/{CONFIGS[name][0]}')
    rng = np.random.default_rng(0)
    for split, rows in rows_by_split.items():
        path = folder / config[f'{split}_dataloader'].dataset.ann_file
        path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
        for row in rows:
            length = len(row['label']) + extra
            _features(name, folder, row, length, rng)
    return folder


def _features(name, folder, row, length, rng):
    parts = {
        'tvsum': {'video_features/{vid}_rgb.npy': 1024, 'video_features/{vid}_opt.npy': 1024},
        'youtube': {'vid_clip/{vid}.npz': 512, 'vid_slowfast/{vid}.npz': 2304},
    }[name]
    for template, dims in parts.items():
        path = folder / template.format(**row)
        path.parent.mkdir(exist_ok=True)
        array = rng.normal(size=(length, dims)).astype(np.float16)
        np.save(path, array) if path.suffix == '.npy' else np.savez(path, features=array)
    text, key = ('query_features', 'token') if name == 'tvsum' else ('txt_clip', 'last_hidden_state')
    path = folder / text / f'{row["qid"]}.npz'
    path.parent.mkdir(exist_ok=True)
    np.savez(path, **{key: rng.normal(size=(4, 512)).astype(np.float32)})


def run(name, folder, domain, tmp_path):
    """Two epochs of a small QD-DETR without moment losses, evaluated: the metrics of the last one."""
    cfg = Config.fromfile('configs/qd_detr/qd_detr_tvsum.py')
    data = Config.fromfile(f'configs/{CONFIGS[name][0]}')
    for key in (
        'data_root',
        'domain',
        *(f'{s}_{p}' for s in ('train', 'val', 'test') for p in ('dataloader', 'evaluator')),
    ):
        if key in data:
            cfg[key] = data[key]
    cfg.merge_from_dict(dict(data_root=str(folder), domain=domain, work_dir=str(tmp_path), log_level='ERROR'))
    cfg.merge_from_dict(
        {
            'model.shared': dict(embed_dims=16, num_heads=2, ffn_dims=16),
            'model.projector.video_dims': 2050 if name == 'tvsum' else 2818,
            'train_cfg': dict(max_epochs=2, val_interval=1),
        }
    )
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].update(num_workers=0, persistent_workers=False)
    cfg.experiment_name = f'highlights_{name}_{tmp_path.name}'
    setup_env(cfg)
    runner = Runner.from_cfg(cfg)
    before = {key: value.clone() for key, value in runner.model.state_dict().items()}
    runner.train()
    moved = [key for key, value in runner.model.state_dict().items() if not torch.equal(value, before[key])]
    assert any(key.startswith('saliency_head') for key in moved)
    assert not any(key.startswith('decoder') for key in moved)
    assert (tmp_path / 'best_HL-mAP_epoch_1.pth').exists() or (tmp_path / 'best_HL-mAP_epoch_2.pth').exists()
    return runner


@pytest.mark.parametrize('name', CONFIGS)
def test_train_and_evaluate(name, tmp_path, monkeypatch, repo_dir):
    monkeypatch.chdir(repo_dir)
    rows = {'train': made_up_rows(name, 0), 'val': made_up_rows(name, 1)}
    (tmp_path / 'data').mkdir()
    runner = run(name, write(name, tmp_path / 'data', rows), 'XY', tmp_path)
    assert len(runner.train_dataloader.dataset) == len(runner.val_dataloader.dataset) == 2
    assert 0 < runner.val_loop.run()['HL-mAP'] <= 100
    evaluator = write_predictions_to(runner.cfg.val_evaluator, str(tmp_path / 'preds.jsonl'))
    runner.val_loop.evaluator = runner.build_evaluator(evaluator)
    figure = runner.val_loop.run()['HL-mAP']
    report = evaluate_predictions(
        read_jsonl(tmp_path / 'preds.jsonl'), runner.val_dataloader.dataset.rows, evaluator[0]['protocol']
    )
    assert report['brief']['HL-mAP'] == figure


@pytest.mark.parametrize('name', CONFIGS)
def test_train_and_evaluate_on_real_annotations(name, tmp_path, monkeypatch, repo_dir, shared_dir):
    monkeypatch.chdir(repo_dir)
    _, files, domain = CONFIGS[name]
    paths = {split: shared_dir / 'data/annotations' / files.format(split) for split in ('train', 'val')}
    rows = {split: [r for r in read_jsonl(path) if r['domain'] == domain][:3] for split, path in paths.items()}
    (tmp_path / 'data').mkdir()
    runner = run(name, write(name, tmp_path / 'data', rows, extra=0), domain, tmp_path)
    sample = runner.train_dataloader.dataset[0]['data_samples']
    assert len(sample.gt_saliency) == len(rows['train'][0]['label'])
    assert 0 < runner.val_loop.run()['HL-mAP'] <= 100


def test_the_joined_stream_is_normalised_as_one(tmp_path, monkeypatch, repo_dir):
    monkeypatch.chdir(repo_dir)
    write('tvsum', tmp_path, {'train': made_up_rows('tvsum', 0)}, extra=2)
    cfg = Config.fromfile('configs/_base_/datasets/tvsum.py').train_dataloader.dataset
    dataset = DATASETS.build(dict(cfg, data_root=str(tmp_path), domain='XY'))
    row, item = dataset.rows[0], dataset[0]
    parts = [np.load(tmp_path / f'video_features/{row["vid"]}_{p}.npy').astype(np.float32) for p in ('rgb', 'opt')]
    expected = l2_normalise(np.concatenate(parts, axis=1))[: len(row['label'])]
    np.testing.assert_array_equal(item['inputs']['video'][:, :-2].numpy(), expected)
    text = np.load(tmp_path / f'query_features/{row["qid"]}.npz')['token']
    np.testing.assert_array_equal(item['inputs']['text'].numpy(), text)
    assert item['data_samples'].gt_instances.spans.shape == (0, 2)


def _targets(label, clips, labels, **options):
    transform = BuildHighlightTargets(dict(type=labels), **options)
    return transform(dict(vid='v', label=label, video_feat=np.zeros((clips, 3), np.float32)))


def test_tvsum_labels_by_hand():
    table = [[1] * 20, [5] * 20, [2] * 10 + [1] * 10, [3] * 20]
    results = _targets(table, 4, 'AnnotatorLabels')
    np.testing.assert_allclose(results['gt_saliency'], [0, 12, 1.5, 6])
    assert results['gt_pairs'].tolist() == [[1], [0]]
    assert results['gt_clips'].tolist() == [False, True, False, True]


def test_youtube_labels_by_hand():
    results = _targets([[0], [1], [1], [0]], 4, 'BinaryLabels')
    assert results['gt_saliency'].tolist() == [0, 1, 1, 0]
    assert results['gt_clips'].tolist() == [False, True, True, False]
    assert results['gt_pairs'].tolist() == [[2], [0]]
    assert results['gt_saliency'].dtype == np.float32


@pytest.mark.parametrize(('clips', 'kept'), [(9, 9), (10, 10), (13, 10)])
def test_features_and_labels_are_cut_to_the_shorter(clips, kept):
    results = _targets([[i % 2] for i in range(10)], clips, 'BinaryLabels')
    assert len(results['video_feat']) == len(results['gt_saliency']) == len(results['gt_clips']) == kept
    assert results['gt_pairs'].max() < kept


def test_features_at_another_clip_length_are_refused():
    with pytest.raises(ValueError, match="vid 'v': 20 clips of features for 10 labels"):
        _targets([[0]] * 10, 20, 'BinaryLabels')


def test_a_sample_without_labels_stays_as_it_is():
    assert 'gt_spans' not in _targets(None, 4, 'BinaryLabels')


def test_labels_of_one_clip():
    assert AnnotatorLabels()(np.full((1, 20), 5.0)).saliency.tolist() == [12]
    assert BinaryLabels()(np.zeros((1, 1))).clips.tolist() == [False]


def test_domain(tmp_path, monkeypatch, repo_dir):
    monkeypatch.chdir(repo_dir)
    write('youtube', tmp_path, {'train': made_up_rows('youtube', 0)})
    cfg = Config.fromfile('configs/_base_/datasets/youtube.py').train_dataloader.dataset
    assert len(DATASETS.build(dict(cfg, data_root=str(tmp_path), domain=None))) == 4
    assert len(DATASETS.build(dict(cfg, data_root=str(tmp_path), domain='XY', limit=1))) == 1
    with pytest.raises(ValueError, match=r"no row has domain='dog', expected one of \['BK', 'XY'\]"):
        DATASETS.build(dict(cfg, data_root=str(tmp_path)))


@pytest.mark.parametrize(
    ('label', 'message'),
    [
        ([1, 0], r'label\[0\] is 1, expected a list of ratings, one per annotator; .*; and 1 more'),
        ([[1], [0, 1]], 'label has lists of different lengths'),
        ([['x']], r"label\[0\]\[0\] is 'x', expected a number"),
        ([[]], r'label\[0\] is \[\], expected a list of ratings'),
        ([], r'label is \[\], expected one list of ratings per clip'),
    ],
)
def test_bad_labels_are_named(label, message, tmp_path):
    path = tmp_path / 'a.jsonl'
    path.write_text(json.dumps({**made_up_rows('youtube', 0)[0], 'label': label}) + '\n')
    with pytest.raises(ValueError, match=rf"a\.jsonl:1: qid '0q0': {message}"):
        AnnotationReader().read(path)


def test_joined_store(tmp_path):
    (tmp_path / 'f').mkdir()
    np.save(tmp_path / 'f/v_a.npy', np.ones((3, 2)))
    parts = {p: dict(type='FolderStore', folder='f', template='{vid}_' + p + '.npy') for p in 'ab'}
    store = JoinedStore(parts, data_root=str(tmp_path))
    row = dict(vid='v', qid=1)
    assert store.missing([row, row]) == ['v_b.npy']
    with pytest.raises(FileNotFoundError, match=r"v_b.npy: no features for vid 'v'"):
        store.read(row)
    np.save(tmp_path / 'f/v_b.npy', np.zeros((2, 1)))
    assert store.missing([row]) == []
    np.testing.assert_array_equal(store.read(row), [[1, 1, 0], [1, 1, 0]])
    np.save(tmp_path / 'f/v_b.npy', np.zeros(2))
    with pytest.raises(ValueError, match='expected \\(length, D\\)'):
        store.read(row)
    with pytest.raises(ValueError, match='parts is empty'):
        JoinedStore(dict(a=None))


@pytest.mark.parametrize(
    ('source', 'table', 'message'),
    [
        (AnnotatorLabels(), [[1, 5], [0, 3]], r'label\[1\]\[0\] is 0, expected 1 to 5'),
        (AnnotatorLabels(), [[1, 6]], r'label\[0\]\[1\] is 6, expected 1 to 5'),
        (BinaryLabels(), [[1], [2]], r'label\[1\]\[0\] is 2, expected 0 or 1'),
        (BinaryLabels(), [[1, 0]], 'label has 2 annotators, expected one'),
    ],
)
def test_labels_outside_their_scale(source, table, message):
    with pytest.raises(ValueError, match=message):
        source(np.array(table, dtype=float))
    targets = BuildHighlightTargets(labels=dict(type=type(source).__name__))
    (issue,) = targets.row_issues({'label': table})
    assert issue.field.startswith('label')
    assert [str(issue) for issue in targets.row_issues({}, missing=False)] == []
    assert targets.row_issues({})[0].problem == 'is missing'
