"""The finder answers as the data-set path does, takes videos of any length, and refuses what it cannot use."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmvmr.apis import MomentFinder
from mmvmr.apis.benchmark import config_finder, random_tokens, random_video
from mmvmr.apis.model_files import build_model_file
from mmvmr.apis.predictor import Predictor
from mmvmr.cli.find import print_answers
from mmvmr.registry import DATASETS, FUNCTIONS, MODELS
from mmvmr.utils.inference_meta import inference_meta
from mmvmr.utils.io import write_jsonl
from mmvmr.utils.setup import register_all_modules

CONFIGS = {
    'MomentDetector': 'qd_detr/qd_detr_clip_charades.py',
    'PointDetector without windows': 'univtg/univtg_clip_charades.py',
    'PointDetector': 'snag/snag_clip_charades.py',
    'ProposalMapDetector': 'mmn/mmn_clip_charades.py',
}
SENTENCES = ['a person opens the door', 'someone drinks water']


@pytest.fixture(autouse=True)
def _registered():
    register_all_modules()
    with DefaultScope.overwrite_default_scope('mmvmr'):
        yield


@pytest.fixture
def data_root(tmp_path):
    """Two videos of 24 and 31 clips with two sentences each, in the folders of the Charades CLIP set."""
    rng = np.random.default_rng(0)
    rows = []
    for folder in ('clip_b32_1fps', 'minilm_tokens'):
        (tmp_path / 'features' / folder).mkdir(parents=True)
    for number, (vid, clips) in enumerate((('A', 24), ('B', 31))):
        features = rng.standard_normal((clips, 512)).astype(np.float16)
        np.savez(tmp_path / 'features/clip_b32_1fps' / f'{vid}.npz', features=features)
        for index, query in enumerate(SENTENCES):
            qid = 2 * number + index
            tokens = rng.standard_normal((5 + index, 384)).astype(np.float16)
            np.savez(tmp_path / 'features/minilm_tokens' / f'qid{qid}.npz', last_hidden_state=tokens)
            window = [[2.0 + index, 9.0]]
            rows.append(dict(qid=qid, vid=vid, query=query, duration=clips - 0.4, relevant_windows=window))
    write_jsonl(tmp_path / 'val.jsonl', rows)
    return tmp_path


def _config(repo_dir, name, data_root):
    cfg = Config.fromfile(repo_dir / 'configs' / name)
    cfg.test_dataloader.dataset.update(data_root=str(data_root), ann_file='val.jsonl')
    return cfg


def _by_data_set(cfg, model):
    """Windows and scores by (vid, query), through data set, collate function and model."""
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    collate = FUNCTIONS.get(cfg.test_dataloader.collate_fn.type)
    samples = []
    with torch.inference_mode():  # the sentences of one video at a time: padding moves the last bit of matrix products
        for indices in ([0, 1], [2, 3]):
            samples += model.test_step(collate([dataset[i] for i in indices]))
    return {(s.vid, s.query): (s.pred_instances.windows.numpy(), s.pred_instances.scores.numpy(), s) for s in samples}


def _finder(cfg, model, **options):
    entry = inference_meta(cfg.model.to_dict(), cfg.test_dataloader.dataset.to_dict())
    return MomentFinder(build_model_file(entry, model.state_dict(), 'test'), device='cpu', max_moments=1000, **options)


def _features(data_root, vid):
    with np.load(data_root / 'features/clip_b32_1fps' / f'{vid}.npz') as holder:
        return {'clip': holder['features']}


def _tokens(data_root, qid):
    with np.load(data_root / 'features/minilm_tokens' / f'qid{qid}.npz') as holder:
        return holder['last_hidden_state']


@pytest.mark.parametrize('name', CONFIGS)
def test_answers_equal_those_of_the_data_set(repo_dir, data_root, name):
    cfg = _config(repo_dir, CONFIGS[name], data_root)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    expected = _by_data_set(cfg, model)
    assert len({tuple(windows[0]) for windows, _, _ in expected.values()}) > 1  # the answers differ at all
    finder = _finder(cfg, model)
    for number, (vid, duration) in enumerate((('A', 23.6), ('B', 30.6))):
        video = finder.encode_features(_features(data_root, vid), duration, vid)
        tokens = [_tokens(data_root, 2 * number + index) for index in range(2)]
        for answer in video.find(*SENTENCES, tokens=tokens):
            windows, scores, sample = expected[vid, answer.query]
            found = np.array([[m.start, m.end] for m in answer.moments])
            real = windows[:, 1] > windows[:, 0]
            # A unit of the fourth decimal, to which both are rounded: the finder projects the video once, the data set
            # once per sentence, and on some processors products of another shape differ in their last bit.
            unit = dict(rtol=0, atol=1.001e-4)
            np.testing.assert_allclose(found, windows[real], **unit)
            np.testing.assert_allclose([m.score for m in answer.moments], scores[real], **unit)
            if sample.get('pred_saliency') is not None:
                np.testing.assert_allclose(answer.raw_saliency, sample.pred_saliency.numpy(), rtol=1e-5, atol=1e-5)


def test_a_checkpoint_is_enough(repo_dir, data_root, tmp_path):
    cfg = _config(repo_dir, CONFIGS['MomentDetector'], data_root)
    model = MODELS.build(cfg.model).eval()
    entry = inference_meta(cfg.model.to_dict(), cfg.test_dataloader.dataset.to_dict(), longest=20, name='qd')
    path = tmp_path / 'model.pth'
    torch.save({'state_dict': model.state_dict(), 'meta': {'inference': entry}}, path)
    finder = MomentFinder(path, device='cpu')
    assert finder.windows.clips(1.0) == 20 and finder.spec.clip_len == 1.0
    answers = finder.encode_features(_features(data_root, 'B'), name='B').find('x', tokens=[_tokens(data_root, 0)])
    assert '31 s were searched in 3 windows of 20 s' in answers.notes[0]
    assert len(answers[0].raw_saliency) == 31
    assert all(0 <= m.start < m.end <= 31 for m in answers[0].moments)
    scores = [m.score for m in answers[0].moments]
    assert scores == sorted(scores, reverse=True)

    torch.save({'state_dict': model.state_dict(), 'meta': {}}, path)
    with pytest.raises(ValueError, match=r'does not say which model'):
        MomentFinder(path)
    state = model.state_dict()
    name = 'saliency_head.video.weight' if 'saliency_head.video.weight' in state else next(reversed(state))
    torch.save(
        {'state_dict': {**state, name: torch.full_like(state[name], torch.nan)}, 'meta': {'inference': entry}}, path
    )
    with pytest.raises(ValueError, match=r'model\.pth: 1 of 175 weights hold NaN or infinity'):
        MomentFinder(path)
    state.pop(name)
    torch.save({'state_dict': state, 'meta': {'inference': entry}}, path)
    with pytest.raises(ValueError, match=r'174 of 175 weights of the model fit, 1 are missing'):
        MomentFinder(path)


def test_an_encoder_is_needed_only_where_something_is_encoded(repo_dir, data_root, tmp_path):
    cfg = _config(repo_dir, CONFIGS['MomentDetector'], data_root)
    finder = _finder(cfg, MODELS.build(cfg.model).eval())
    video = finder.encode_features(_features(data_root, 'A'))
    with pytest.raises(ValueError, match=r'does not say how its features are made.*spec=NAME'):
        video.find('a sentence')
    with pytest.raises(ValueError, match=r'no sentence was given'):
        video.find()
    with pytest.raises(ValueError, match=r'sentence 2 of 2 is empty'):
        video.find('a dog', '  ')
    with pytest.raises(FileNotFoundError, match=r'no such video file'):
        finder.encode(tmp_path / 'absent.mp4')
    with pytest.raises(ValueError, match=r'is an address; download the video'):
        finder.encode('https://example.org/a.mp4')
    with pytest.raises(FileNotFoundError, match=r'is a folder'):
        finder.encode(tmp_path)
    with pytest.raises(ValueError, match=r"streams \['clip'\] are missing"):
        finder.encode_features({'slowfast': np.zeros((3, 512))})
    with pytest.raises(ValueError, match=r"'clip' has the shape \(3, 4\), expected \(clips, 512\)"):
        finder.encode_features({'clip': np.zeros((3, 4))})


def test_videos_share_forward_passes(repo_dir, data_root):
    cfg = _config(repo_dir, CONFIGS['MomentDetector'], data_root)
    torch.manual_seed(0)
    finder = _finder(cfg, MODELS.build(cfg.model).eval(), window=20.0, batch_size=4)
    videos = [finder.encode_features(_features(data_root, vid), name=vid) for vid in 'AB']
    tokens = [_tokens(data_root, index) for index in range(2)]
    passes = []
    run = finder.model.test_step
    finder.model.test_step = lambda batch: passes.append(len(batch['data_samples'])) or run(batch)
    together = list(finder.find_all(iter(videos), *SENTENCES, tokens=tokens))
    assert passes == [4, 4, 2]  # windows of 20 clips, two in A and three in B, with two sentences
    assert [answers.name for answers in together] == ['A', 'B']
    for video, answers in zip(videos, together):
        for one, other in zip(video.find(*SENTENCES, tokens=tokens), answers):
            spans, same = ([[m.start, m.end] for m in a.moments] for a in (one, other))
            np.testing.assert_allclose(spans, same, atol=1e-4)


def test_half_precision_changes_little(repo_dir, data_root):
    cfg = _config(repo_dir, CONFIGS['MomentDetector'], data_root)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    answers = []
    for half in (None, True):
        video = _finder(cfg, model, half=half).encode_features(_features(data_root, 'A'))
        answers.append(video.find('x', tokens=[_tokens(data_root, 0)])[0])
    full, half = (np.array(sorted(m.score for m in answer.moments)) for answer in answers)
    assert not np.array_equal(full, half)
    np.testing.assert_allclose(full, half, atol=0.02)


@pytest.mark.parametrize('window', [None, 8])
def test_not_in_this_video(repo_dir, data_root, window, capsys):
    """The probability is that of the model, of the most probable window of a long video; the threshold decides."""
    cfg = _config(repo_dir, 'gmr/gmr_qd_detr_clip_charades.py', data_root)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    video = _finder(cfg, model, window=window).encode_features(_features(data_root, 'A'), 23.6, 'A')
    answer = video.find(SENTENCES[0], tokens=[_tokens(data_root, 0)])[0]
    if window is None:
        (_, _, sample), *_ = _by_data_set(cfg, model).values()
        assert answer.probability == pytest.approx(sample.pred_existence, abs=1e-6)
    for threshold, absent in ((answer.probability - 1e-3, False), (answer.probability + 1e-3, True)):
        model.existence_head.threshold.fill_(threshold)
        video = _finder(cfg, model, window=window).encode_features(_features(data_root, 'A'), 23.6, 'A')
        answers = video.find(SENTENCES[0], tokens=[_tokens(data_root, 0)])
        assert answers[0].absent == absent and answers[0].moments
        print_answers(answers, as_json=False)
        verdict = 'not in this video' if absent else 'in this video'
        expected = f'"{SENTENCES[0]}": {verdict} (probability of a moment {answer.probability:.2f})'
        assert expected in capsys.readouterr().out
        print_answers(answers, as_json=True)
        assert f'"absent": {str(absent).lower()}' in capsys.readouterr().out


def test_models_without_an_existence_head_do_not_say_whether(repo_dir, data_root, capsys):
    cfg = _config(repo_dir, CONFIGS['MomentDetector'], data_root)
    video = _finder(cfg, MODELS.build(cfg.model).eval()).encode_features(_features(data_root, 'A'), 23.6, 'A')
    answers = video.find(SENTENCES[0], tokens=[_tokens(data_root, 0)])
    assert answers[0].probability is None and not answers[0].absent
    print_answers(answers, as_json=False)
    assert 'this video' not in capsys.readouterr().out


def test_a_map_is_made_once_for_a_thousand_sentences():
    torch.manual_seed(0)
    finder = config_finder('mmn_clip_charades', device='cpu')
    maps = []
    finder.model.encoder.convs.register_forward_hook(lambda module, inputs, output: maps.append(len(output)))
    video, tokens = random_video(finder, 30.0), random_tokens(finder, 100)
    together = finder.answer(video, ['x'] * 100, tokens)
    assert maps == [1]
    finder.predictor = Predictor(finder.file, finder.device, 30, half=False)
    apart = finder.answer(video, ['x'] * 100, tokens)
    assert maps == [1] * 5
    for a, b in zip(together, apart):
        np.testing.assert_allclose([m.score for m in a.moments], [m.score for m in b.moments], atol=1e-6)
