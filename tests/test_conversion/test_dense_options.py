"""Options of SnAG and UniVTG that no recording at hand has, and recorded numbers beside the model that must count."""

import shutil

import numpy as np
import pytest
from parity.groups import scaled_difference
from parity.methods import RECORDINGS
from parity.methods.snag_functions import _rates, compare_functions

from mmvmr.conversion import METHODS
from mmvmr.conversion.checkpoints import read_options
from mmvmr.registry import TASK_UTILS
from mmvmr.utils.io import read_json

SNAG, UNIVTG = METHODS['snag'], METHODS['univtg']


# Other ways to decode, each of which takes its time.
_LEFT_OUT = ('single.', 'slide.', 'ext.', 'vote.', 'none.', 'collected.')


def _copy(source, target, change, keep):
    """A folder with some files of another, of which some arrays are changed: file to name to function."""
    target.mkdir()
    for name in keep:
        arrays = dict(np.load(source / f'{name}.npz', allow_pickle=False))
        arrays = {key: value for key, value in arrays.items() if not key.startswith(_LEFT_OUT)}
        for key, function in change.get(name, {}).items():
            arrays[key] = np.asarray(function(arrays[key]), dtype=arrays[key].dtype)
        np.savez(target / f'{name}.npz', **arrays)
    shutil.copy(source / 'config.json', target / 'config.json')
    return target


def _failing(folder, group):
    (found,) = [g for g in RECORDINGS['univtg'].extra(folder, read_json(folder / 'config.json')) if g[0] == group]
    _, ours, recorded = found
    return {name for name, value in recorded.items() if scaled_difference(ours[name], value) > 5e-5}


def _options(shared_dir, name):
    folder = shared_dir / 'parity' / name
    if not folder.is_dir():
        pytest.skip(f'no recorded numbers of {name}')
    config = read_json(folder / 'config.json')
    return folder, (config['args'] if isinstance(config['args'], dict) else config['opt'])


@pytest.mark.parametrize(
    ('file', 'array', 'group', 'change'),
    [
        ('decode', 'data.clip_size', 'decoding', lambda v: v + 4),
        ('decode', 'data.fps', 'decoding', lambda v: v * 1.1),
        ('decode', 'nms.0.segments', 'decoding', lambda v: v + 0.01),
        ('nms', 'soft2.scores', 'suppression', lambda v: v * 1.001),
    ],
)
def test_changed_numbers_of_snag(shared_dir, tmp_path, file, array, group, change):
    source, _ = _options(shared_dir, 'snag')
    folder = _copy(source, tmp_path / 'snag', {file: {array: change}}, ('inputs', 'state_dict', file))
    config = read_json(folder / 'config.json')
    failed = set()
    for name, ours, recorded in compare_functions(folder, {**config, 'param_groups': None}):
        if name == group:
            failed |= {key for key, value in recorded.items() if scaled_difference(ours[key], value) > 5e-5}
    assert failed if array.startswith('data.') else failed == {array}


def test_schedule_as_the_remark_has_it(tmp_path):
    """Three iterations per epoch, one epoch of warm-up, one fall after the first epoch behind it."""
    columns = [[0, base / 2, *[base] * 4, *[base / 10] * 3] for base in (0.01, 0.002)]
    np.savez(tmp_path / 'schedule.npz', multistep_1=np.array(columns).T)
    note = 'lr of both groups (base 1e-2 / text_net_lr 2e-3, 3 its per epoch, warmup 1 epochs, 2 further epochs)'
    ((_, ours, recorded),) = _rates(tmp_path, note)
    assert scaled_difference(ours['multistep_1'], recorded['multistep_1']) < 1e-9


def test_no_candidate_at_all(shared_dir, tmp_path):
    """A threshold that nothing reaches leaves empty predictions, under hard suppression as well."""
    source, _ = _options(shared_dir, 'snag')
    arrays = np.load(source / 'decode.npz', allow_pickle=False)
    nothing = {n: v[:0] for n, v in arrays.items() if n.startswith(('nms.', 'none.', 'collected.'))}
    folder = _copy(source, tmp_path / 'snag', {}, ('inputs', 'state_dict'))
    np.savez(folder / 'decode.npz', **nothing, **{n: v for n, v in arrays.items() if n.startswith('data.')})
    config = read_json(folder / 'config.json')
    config['opt']['eval']['pre_nms_thresh'] = 0.9999
    groups = {
        name: (ours, recorded) for name, ours, recorded in compare_functions(folder, {**config, 'param_groups': []})
    }
    ours, recorded = groups['decoding']
    assert len(recorded) == len(nothing)
    assert all(ours[name].shape == value.shape for name, value in recorded.items())


def test_options_of_snag(shared_dir):
    _, opt = _options(shared_dir, 'snag')
    opt['pt_gen']['use_offset'] = True
    opt['train'].update(center_sampling='none', loss_weight=2.0, loss_norm=7, loss_norm_momentum=0.5, reg_loss='iou')
    opt['eval'].update(window_size=40, window_stride=16, pre_nms_topk=30)
    opt['eval']['nms'].update(mode='nms', iou_thresh=0.4, voting_thresh=0)
    opt['model']['vid_net'].update(mha_win_size=0)
    cfg = SNAG.model_config(opt)
    assert cfg.criterion.assigner.center_radius is None
    assert (cfg.criterion.losses.span.weight, cfg.criterion.losses.span.distance) == (2.0, 'none')
    assert cfg.criterion.losses.foreground.normalizer.to_dict() == dict(type='MovingCount', initial=7, momentum=0.5)
    assert (cfg.windows.size, cfg.windows.stride) == (40, 16)
    assert (cfg.postprocessor.nms.type, cfg.postprocessor.nms.threshold) == ('HardNMS', 0.4)
    assert cfg.postprocessor.vote is None
    assert cfg.encoder.video.window is None
    assert TASK_UTILS.build(cfg.point_generator).grid([4, 2])[:, 0].tolist() == [0.5, 1.5, 2.5, 3.5, 1.5, 3.5]


@pytest.mark.parametrize(
    ('array', 'change', 'failing'),
    [
        ('timestamp', lambda v: v + 0.01, {'timestamp'}),
        ('timestamp_mask', lambda v: 1 - v, {'timestamp_mask'}),
        ('span_labels_nn', lambda v: v * 1.01, {'span_labels_nn'}),
        ('windows_cat', lambda v: v + 3.0, {'timestamp_window', 'span_labels_nn', 'spans_cat'}),
    ],
)
def test_changed_labels_of_univtg(shared_dir, tmp_path, array, change, failing):
    source, _ = _options(shared_dir, 'univtg')
    keep = ('inputs', 'targets')
    assert _failing(_copy(source, tmp_path / 'same', {}, keep), 'labels') == set()
    folder = _copy(source, tmp_path / 'changed', {'targets': {array: change}}, keep)
    assert _failing(folder, 'labels') == failing


def test_windows_without_a_clip_in_them(shared_dir, tmp_path):
    """The clip in which the first window begins answers for it; clips of 2 s have their anchors at whole clips."""
    source, _ = _options(shared_dir, 'univtg')
    folder = _copy(source, tmp_path / 'univtg', {}, ('inputs', 'targets'))
    arrays = dict(np.load(folder / 'targets.npz'))
    windows, lengths = [[3.1, 3.6], [8.2, 8.4], [17.5, 17.9]], (17, 12, 9)
    inside, spans = np.zeros_like(arrays['timestamp_window']), np.zeros_like(arrays['span_labels_nn'])
    centers = []
    for sample, (window, length) in enumerate(zip(windows, lengths)):
        clip, parts = int(window[0] / 2), np.array(window) / (2 * length)
        inside[sample, clip], spans[sample, clip] = 1, parts
        centers.append([parts.mean(), parts[1] - parts[0]])
    count = np.ones(3, dtype=np.int64)
    arrays.update(
        windows_cat=np.float32(windows), windows_count=count, spans_count=count, spans_cat=np.float32(centers)
    )
    np.savez(folder / 'targets.npz', **{**arrays, 'timestamp_window': inside, 'span_labels_nn': spans})
    assert _failing(folder, 'labels') == set()


@pytest.mark.parametrize(
    ('paths', 'expected'),
    [('data/hacs/tal.jsonl', True), (['tal', 'data/a.jsonl'], True), (['data/tal.jsonl'], False), (None, False)],
)
def test_class_names_are_decided_as_the_official_code_decides(shared_dir, paths, expected):
    _, args = _options(shared_dir, 'univtg')
    intra = UNIVTG.model_config({**args, 'train_path': paths}).criterion.losses.clip_intra
    assert (intra.type == 'ClipClassLoss') is expected


def test_highlights_alone(shared_dir):
    _, args = _options(shared_dir, 'univtg')
    cfg = UNIVTG.model_config({**args, 'dset_type': 'hl', 'eos_coef': 0.3, 'f_loss_coef': 4})
    assert cfg.criterion.assigner is None
    assert cfg.criterion.losses.span is cfg.criterion.losses.giou is None
    foreground = cfg.criterion.losses.foreground
    assert (foreground.type, foreground.weight, foreground.background_weight) == ('ClipForegroundLoss', 4, 0.3)


def test_options_that_a_file_of_snag_leaves_out():
    """The official code fills them in: ActivityNet-Captions, narrow, with a text encoder as wide as the video."""
    cfg = SNAG.model_config({'model': {'text_net': {'name': 'identity'}}})
    assert (cfg.projector.video_dims, cfg.projector.text_dims) == (500, 300)
    assert (cfg.shared.embed_dims, cfg.shared.text_embed_dims) == (128, 128)
    assert (tuple(cfg.encoder.video.arch), cfg.encoder.video.window, cfg.encoder.video.max_length) == (
        (2, 0, 7),
        5,
        256,
    )
    assert (cfg.encoder.text.type, cfg.encoder.text.max_length) == ('MeanTextToken', 24)


@pytest.mark.parametrize('name', ['snag', 'snag_mad', 'univtg', 'mmn'])
def test_the_configuration_of_a_recording_is_an_option_file(shared_dir, name):
    folder, options = _options(shared_dir, name)
    assert read_options(folder / 'config.json') == options
