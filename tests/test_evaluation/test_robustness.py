"""Probes separate stub models whose behaviour is known: one that reads moments, one that knows positions only."""

import math

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData
from testing import shrink
from torch import nn

from mmvmr.evaluation.frame_probability import FROM_ENCODER, FROM_SALIENCY, FrameProbability
from mmvmr.evaluation.robustness import (
    PROBES,
    evaluate_robustness,
    evaluate_split,
    load_model,
    predict,
    require_changed_inputs,
)
from mmvmr.evaluation.robustness_splits import known_splits, open_split
from mmvmr.registry import MODELS
from mmvmr.structures import FrameMatch, Memory, MomentDataSample, Tokens
from mmvmr.utils import write_jsonl
from mmvmr.utils.setup import register_all_modules

PIPELINE = dict(
    load=dict(type='LoadMomentFeatures'),
    tef=dict(type='AppendTEF'),
    targets=dict(type='BuildMomentTargets', labels=dict(type='HighlightLabels')),
    pack=dict(type='PackMomentInputs'),
)


@pytest.fixture(scope='module', autouse=True)
def _registered():
    register_all_modules()


def _config(**dataset):
    loader = dict(
        batch_size=4,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='moment_collate'),
        dataset=dict(type='SyntheticMoments', split='val', num_videos=6, pipeline=PIPELINE, **dataset),
    )
    metric = dict(type='MomentRetrievalMetric', protocol='qvhighlights')
    return Config(dict(val_dataloader=loader, val_evaluator=[dict(type='HighlightMetric'), metric]))


class Stub:
    """A model that answers every sample by a function of (clips with TEF, tokens, sample)."""

    def __init__(self, answer):
        self.answer = answer

    def test_step(self, batch):
        samples = []
        for video, text, sample in zip(batch['inputs']['video'], batch['inputs']['text'], batch['data_samples']):
            windows = torch.tensor(self.answer(video.numpy(), text.numpy(), sample), dtype=torch.float64)
            scores = torch.linspace(1, 0.5, len(windows))
            sample.pred_instances = InstanceData(windows=windows, scores=scores)
            sample.pred_saliency = torch.as_tensor(video[:, 0])
            samples.append(sample)
        return samples


def _true_windows(video, text, sample):
    return sample.relevant_windows


def _places(video, text, sample):
    """The same parts of every video, in the time that its TEF tells."""
    end = float(video[-1, -1]) * sample.duration
    return [[start * end, (start + 0.15) * end] for start in np.linspace(0, 0.85, 10)]


@pytest.fixture(scope='module')
def split():
    return open_split(_config(), 'val')


def test_every_probe_runs_once_over_all_queries(split):
    seen = []

    def answer(video, text, sample):
        seen.append(sample.qid)
        return [[0.0, 2.0]]

    report = evaluate_split(Stub(answer), split, PROBES)
    assert list(report['probes']) == list(PROBES)
    assert seen == [row['qid'] for row in split.dataset.rows] * len(PROBES)
    assert report['num_queries'] == len(split.dataset)
    assert report['num_videos'] == 6


def test_a_model_that_sees_no_video_is_exposed(split):
    report = evaluate_split(Stub(_places), split, PROBES)['probes']
    plain = report['plain']
    assert plain['mAP'] > 0
    for name, figures in report.items():
        assert {k: v for k, v in figures.items() if k != 'ratio'} == {k: v for k, v in plain.items() if k != 'ratio'}
        assert figures['ratio'] == 1.0 or name == 'plain', name


def test_scores_are_those_of_the_annotated_windows(split):
    """Even a perfect answer to a masked video is compared with the original windows."""
    report = evaluate_split(Stub(_true_windows), split, {'spurious_zero': PROBES['spurious_zero']})['probes']
    assert report['spurious_zero']['R1@0.9'] == report['plain']['R1@0.9'] == 100
    assert report['spurious_zero']['ratio'] == 1.0


def test_nothing_found_has_no_ratio(split):
    def answer(video, text, sample):
        return sample.relevant_windows if video[:, :-2].any() else [[0.0, 0.001]]

    report = evaluate_split(Stub(answer), split, {'position_only': PROBES['position_only']})['probes']
    assert report['position_only']['mAP'] == 0
    assert math.isnan(report['position_only']['ratio'])


def _first_inputs(split, probe):
    """Clips with TEF and tokens of the first sample as a model gets them."""
    seen = []
    batch = next(iter(predict(Stub(lambda *inputs: seen.append(inputs) or [[0.0, 1.0]]), split, probe)))
    assert len(batch) == len(seen) == 4
    return seen[0][:2]


def test_probes_change_one_side_and_leave_the_data_set(split):
    before = split.dataset[0]['inputs']['video']
    inputs = {name: _first_inputs(split, probe) for name, probe in PROBES.items()}
    assert split.dataset[0]['inputs']['video'].equal(before)
    plain = inputs.pop('plain')
    for name, (video, text) in inputs.items():
        same = np.array_equal(video, plain[0]), np.array_equal(text, plain[1])
        assert same == ((True, False) if 'query' in name else (False, True)), name


def test_seed_and_repetition(split):
    def seen(seed):
        opened = open_split(_config(), 'val', seed)
        videos = []
        for _ in predict(Stub(lambda v, t, s: videos.append(v) or [[0.0, 1.0]]), opened, PROBES['shuffled_clips']):
            pass
        return np.concatenate(videos)

    assert np.array_equal(seen(1), seen(1))
    assert not np.array_equal(seen(1), seen(2))


def test_views_of_the_config_are_not_predicted():
    cfg = _config()
    cfg.val_dataloader.dataset.pipeline.augment = dict(spurious=dict(type='MaskTargets', view='spurious'), no=None)
    opened = open_split(cfg, 'val')
    assert 'views' not in opened.dataset[0]


def test_splits_of_the_config():
    cfg = _config()
    assert list(known_splits(cfg)) == ['val']
    cfg.robustness = dict(splits=dict(val=dict(split='val'), ood=dict(split='val_ood', num_videos=3), gone=None))
    assert list(known_splits(cfg)) == ['val', 'ood']
    ood = open_split(cfg, 'ood', limit=4)
    assert ood.dataset.rows[0]['vid'].startswith('synthetic_val_ood')
    assert len(ood.dataset) == 4


def _files(folder, make_rows=lambda row: row):
    """Annotations and features of two videos on disk, and a config for them."""
    rng = np.random.default_rng(0)
    rows = [
        make_rows(dict(qid=i, vid=f'v{i % 2}', query=f'query {i}', duration=20.0, relevant_windows=[[2.0, 8.0]]))
        for i in range(4)
    ]
    for row in rows:
        for kind, name, length in (('clip', row['vid'], 10), ('text', row['qid'], 3)):
            path = folder / kind / f'{name}.npz'
            path.parent.mkdir(exist_ok=True)
            np.savez(path, features=rng.normal(size=(length, 4)))
    write_jsonl(folder / 'a.jsonl', rows)
    dataset = dict(
        type='MomentDataset',
        data_root=str(folder),
        ann_file='a.jsonl',
        feature_spec=dict(streams=dict(clip=dict(dim=4)), text=dict(dim=4), clip_len=2.0),
        stores=dict(
            clip=dict(type='FolderStore', folder='clip'),
            text=dict(type='FolderStore', folder='text', template='{qid}.npz', key='features'),
        ),
        pipeline={**PIPELINE, 'targets': dict(type='BuildMomentTargets', labels=dict(type='MomentLabels'))},
    )
    cfg = _config()
    cfg.val_dataloader.dataset = dataset
    return cfg, rows


def test_another_annotation_file(tmp_path):
    cfg, rows = _files(tmp_path)
    write_jsonl(tmp_path / 'ood.jsonl', rows[2:])
    opened = open_split(cfg, f'ood={tmp_path / "ood.jsonl"}')
    assert opened.name == 'ood'
    assert [row['qid'] for row in opened.dataset.rows] == [2, 3]


def test_rows_without_moments_are_left_out(tmp_path):
    def unlabelled(row):
        if row['qid'] == 1:
            row['relevant_windows'] = []
        return row

    cfg, _ = _files(tmp_path, unlabelled)
    opened = open_split(cfg, 'val')
    assert opened.unlabelled == 1
    assert [row['qid'] for row in opened.dataset.rows] == [0, 2, 3]
    evaluate_split(Stub(_true_windows), opened, PROBES)


def test_a_split_without_any_moment(tmp_path):
    cfg, _ = _files(tmp_path, lambda row: {k: v for k, v in row.items() if k != 'relevant_windows'})
    with pytest.raises(ValueError, match="split 'val' has no relevant_windows"):
        open_split(cfg, 'val')


@pytest.mark.parametrize(
    ('wanted', 'error', 'message'),
    [
        ('dev', ValueError, r"unknown split 'dev': this config has \['val'\]"),
        ('test', ValueError, "unknown split 'test'"),
        ('x=nowhere.jsonl', FileNotFoundError, 'no such annotation file or folder'),
    ],
)
def test_wrong_splits(wanted, error, message):
    with pytest.raises(error, match=message):
        open_split(_config(), wanted)


def test_highlights_alone_are_not_evaluated():
    cfg = _config()
    cfg.val_evaluator = [dict(type='HighlightMetric')]
    with pytest.raises(ValueError, match='val_evaluator has no MomentRetrievalMetric'):
        open_split(cfg, 'val')


class Encoder(nn.Module):
    """Gives a probability per clip."""

    def forward(self, probability):
        return Memory(
            None, Tokens(probability[..., None], probability > 0), extras=(FrameMatch(probability, None, None),)
        )


def _samples(saliency=None):
    meta = dict(clip_len=2.0, relevant_windows=[[2.0, 5.0]])
    samples = [MomentDataSample(metainfo={**meta, 'num_clips': n}) for n in (5, 4)]
    for sample, values in zip(samples, saliency or ()):
        sample.pred_saliency = torch.tensor(values)
    return samples


def test_frame_probability_of_the_encoder():
    model = nn.Module()
    model.encoder = Encoder()
    frames = FrameProbability(model)
    model.encoder(torch.tensor([[0.1, 0.8, 0.6, 0.1, 0.1], [0.2, 0.9, 0.7, 0.4, 0.0]]))
    frames.add(_samples())
    report = frames.report()
    assert report['source'] == FROM_ENCODER
    assert report['inside'] == pytest.approx((0.7 + 0.8) / 2)
    assert report['outside'] == pytest.approx((0.1 + 0.3) / 2)
    assert report['difference'] == pytest.approx(0.55)
    assert report['num_queries'] == 2
    frames.close()
    model.encoder(torch.ones(2, 5))
    frames.add(_samples())
    assert frames.report() == report


def test_frame_probability_from_saliency_says_so():
    frames = FrameProbability(nn.Module())
    frames.add(_samples([[-1.0, 3.0, 3.0, -1.0, -1.0], [0.0, 1.0, 1.0, 2.0]]))
    report = frames.report()
    assert report['source'] == FROM_SALIENCY
    assert (report['inside'], report['outside']) == (0.75, 0.25)


def test_frame_probability_of_a_model_that_has_none():
    frames = FrameProbability(nn.Module())
    frames.add(_samples())
    assert frames.report() == {'reason': 'the model predicts neither frame probabilities nor highlight scores'}
    whole = _samples([[1.0] * 5, [1.0] * 4])
    for sample in whole:
        sample.set_metainfo({'relevant_windows': [[0.0, 10.0]]})
    frames.add(whole)
    assert frames.report() == {'reason': 'no query has clips inside and outside its moments'}


def _model_config(repo_dir):
    return Config(dict(model=shrink(Config.fromfile(repo_dir / 'configs/_base_/models/moment_detr.py').model)))


def test_weights_of_another_model_are_refused(tmp_path, repo_dir):
    path = tmp_path / 'a.pth'
    torch.save({'state_dict': {'head.weight': torch.zeros(2)}}, path)
    with pytest.raises(
        ValueError, match=r'a\.pth: the weights are not those of the model of this config: 0 of 89 .* fit'
    ):
        load_model(_model_config(repo_dir), str(path))


def test_features_of_another_kind_are_refused(tmp_path, repo_dir, split):
    cfg, path = _model_config(repo_dir), tmp_path / 'a.pth'
    spec = split.dataset.feature_spec
    state = MODELS.build(cfg.model).state_dict()
    meta = {'feature_spec': {**spec.to_dict(), 'clip_len': 1.0}}
    torch.save({'state_dict': state, 'meta': meta}, path)
    with pytest.raises(ValueError, match=r'trained on other features: clip_len: 1.0 \(trained on\), 2.0 \(given\)'):
        load_model(cfg, str(path), [spec])
    cfg.default_hooks = dict(feature_spec=dict(mismatch='warn'))
    assert not load_model(cfg, str(path), [spec]).training


MMN = dict(shared=dict(embed_dims=8, joint_dims=6, word_dims=8, num_clips=16))


@pytest.mark.parametrize(
    ('name', 'changes', 'source', 'by_video'),
    [
        ('qd_detr', {}, FROM_SALIENCY, False),
        ('bm_detr', {}, FROM_ENCODER, False),
        ('univtg', {}, FROM_SALIENCY, False),
        ('snag', {}, None, True),
        ('mmn', MMN, None, True),
        ('mmn', MMN, None, False),
    ],
)
def test_every_kind_of_detector(name, changes, source, by_video, repo_dir):
    cfg = _config(video_dim=8, text_dim=8)
    if by_video:  # one video for all its sentences
        cfg.val_dataloader.sampler, cfg.val_dataloader.collate_fn = (
            dict(type='VideoSampler'),
            dict(type='video_collate'),
        )
    opened = open_split(cfg, 'val', limit=3)
    model = MODELS.build(shrink(Config.fromfile(repo_dir / f'configs/_base_/models/{name}.py').model, changes)).eval()
    report = evaluate_split(model, opened, {key: PROBES[key] for key in ('spurious_noise', 'other_query')})
    assert report['frame_probability'].get('source') == source
    assert all(0 <= figures['mAP'] <= 100 for figures in report['probes'].values())


def test_wrapped_data_sets_are_refused():
    cfg = _config()
    cfg.val_dataloader.dataset = dict(type='ConcatDataset', datasets=[cfg.val_dataloader.dataset])
    with pytest.raises(ValueError, match='ConcatDataset has no pipeline'):
        open_split(cfg, 'val')


def _with_inputs(folder, *names):
    """The data set of :func:`_files` with further inputs."""
    cfg, rows = _files(folder)
    for row in rows:
        np.save(folder / f'{row["qid"]}.npy', np.full(10, float(row['qid']), np.float32))
    store = dict(type='FolderStore', folder='.', template='{qid}.npy')
    known = dict(prior=dict(type='LoadClipScores', store=store), static=dict(type='LoadStaticQuery', store=store))
    augment = {name: known[name] for name in names}
    cfg.val_dataloader.dataset.pipeline = {**cfg.val_dataloader.dataset.pipeline, 'augment': augment}
    return cfg


def test_probes_that_leave_an_input_as_it_is_are_refused(tmp_path):
    """A static query is made of the sentence; scores of another model of the sentence and the video."""
    opened = open_split(_with_inputs(tmp_path, 'static'), 'val')
    message = (
        r"split 'val': under the probes \['other_query', 'empty_query'\] .* pipeline\.augment\.static "
        r'\(LoadStaticQuery\) .* \(--probes plain spurious_zero .* position_only\)'
    )
    with pytest.raises(ValueError, match=message):
        require_changed_inputs(opened, PROBES)
    require_changed_inputs(opened, {name: PROBES[name] for name in ('plain', 'spurious_mean', 'shuffled_clips')})

    cfg = _with_inputs(tmp_path, 'prior')
    with pytest.raises(ValueError, match=r"'spurious_zero', .*'position_only'\] .*LoadClipScores.*--probes plain\)"):
        evaluate_robustness(cfg, 'never read')
    with pytest.raises(ValueError, match=r'SwapQuery changes the query, but pipeline\.augment\.prior'):
        evaluate_split(Stub(_true_windows), open_split(cfg, 'val'), {'other_query': PROBES['other_query']})


def test_a_probe_that_does_not_say_what_it_changes(tmp_path):
    opened = open_split(_with_inputs(tmp_path, 'static'), 'val')
    with pytest.raises(ValueError, match=r"under the probes \['pooled'\]"):
        require_changed_inputs(opened, {'pooled': dict(type='PoolClips', max_clips=4)})
