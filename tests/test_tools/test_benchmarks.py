"""The benchmarks compare equal things: what their baselines compute is what mmvmr computes."""

import argparse
import math
import sys

import numpy as np
import pytest
import torch
from run_helpers import REPO, run_tool

from mmvmr.composition import CompositionError
from mmvmr.composition.trial import pipeline_batch
from mmvmr.datasets import SimilarVideos
from mmvmr.evaluation.functional import evaluate_predictions

sys.path.insert(0, str(REPO / 'tools' / 'analysis_tools'))
import benchmark
import benchmark_evaluation
import benchmark_page
import benchmark_similar_videos as similar
import profile_step


def test_the_official_method_gives_the_same_figures():
    text = run_tool('analysis_tools/benchmark_evaluation.py', '--queries', 40, '--rounds', 1, '--workers', 2)
    assert 'all 110 figures are the same to the last digit' in text
    assert '| ratio ' in text


def test_other_figures_are_told():
    predictions, annotations = benchmark_evaluation.made_up(30)
    ours = evaluate_predictions(predictions, annotations)
    assert benchmark_evaluation.differences(ours, {'full': ours['full']}) == []
    wrong = {'full': {**ours['full'], 'MR-mIoU': ours['full']['MR-mIoU'] + 0.01}}
    assert benchmark_evaluation.differences(ours, wrong) == [
        f'/full/MR-mIoU: {ours["full"]["MR-mIoU"]} (mmvmr), {wrong["full"]["MR-mIoU"]} (official method)'
    ]
    assert benchmark_evaluation.differences({'a': math.nan}, {'a': math.nan}) == []


@pytest.mark.parametrize(
    ('tool', 'options'),
    [
        ('get_flops', ()),
        ('benchmark', ('--precision', 'fp32')),
        ('profile_step', ()),
    ],
)
def test_missing_arguments_are_named_with_their_path(tool, options, tmp_path):
    config = tmp_path / 'bare.py'
    bare = (
        "model = dict(projector=dict(_delete_=True, type='LinearProjector', num_layers=2), shared=dict(_delete_=True))"
    )
    config.write_text(f"_base_ = ['mmvmr::qd_detr/qd_detr_qvhl.py']\n{bare}\n")
    text = run_tool(f'analysis_tools/{tool}.py', config, *options, check=2)
    assert 'error: config: model.projector needs `embed_dims`' in text
    assert 'Traceback' not in text


@pytest.fixture
def args():
    return argparse.Namespace(rows=2, budget=60.0, memory='64MB', fits=1 << 30, clips=20, dim=6)


def test_the_dense_method_finds_the_same_videos(args, tmp_path):
    corpus = similar.Corpus(40, args.clips, args.dim)
    dense, found = tmp_path / 'official_40.npy', tmp_path / 'top_clips_40.npz'
    assert similar.official(corpus, args, dense)['share'] == 1
    assert similar.top_clips(corpus, args, found)['share'] == 1
    matrix = np.load(dense)
    assert matrix.shape == (40, 40)
    np.fill_diagonal(matrix, -1)
    index = SimilarVideos.load(found)
    best = -np.sort(-matrix, axis=1)[:, :20]  # with fewer than 50 positive products the dense method counts others
    np.testing.assert_allclose(index.similarities[:, :20], best, atol=2e-6)
    rows = [
        {
            'videos': 40,
            'method': 'official',
            'share': 0.5,
            'seconds': 30.0,
            'peak': 1 << 20,
            'needed': 1 << 32,
            'fits': 0,
        },
        {'videos': 40, 'method': 'top_clips', 'share': 1.0, 'seconds': 2.0, 'peak': 1 << 20},
    ]
    lines = similar.table(rows, args, tmp_path)
    assert lines[1][2:4] == ['~60.0 s', 'needs 4 GB, does not fit']
    assert lines[2][4] == '30'
    assert 'from official' in lines[2][5]


def test_a_part_is_scaled_up(args, tmp_path):
    """Where the budget does not allow all pairs, fewer videos are compared: 50 of 60 are 25/36 of the pairs."""
    args.budget = 1e-9
    corpus = similar.Corpus(60, args.clips, args.dim)
    part = similar.exact(corpus, args, tmp_path / 'part.npz', similar.TopClipSimilarity())
    assert part['share'] == pytest.approx(25 / 36)
    assert not (tmp_path / 'part.npz').exists()


def test_the_most_memory_that_a_step_holds():
    def step():
        kept = torch.empty(1 << 20)
        for _ in range(3):
            torch.empty(1 << 18)  # freed before the next one
        del kept

    assert benchmark.peak_bytes(step, torch.device('cpu')) == 4 * ((1 << 20) + (1 << 18))


class Detector(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.head = torch.nn.Linear(8, 300), torch.nn.Linear(300, 1)
        self.criterion = torch.nn.Module()
        self.criterion.assigner = lambda scores: scores.detach().clone()
        self.criterion.losses = torch.nn.ModuleDict({'size': torch.nn.L1Loss()})


def test_times_of_stages_make_up_the_step():
    detector = Detector()
    stages = profile_step.mark_stages(detector)
    assert stages == ['encoder', 'head', 'matching', 'loss size']
    with torch.profiler.profile(record_shapes=True) as recording:
        with torch.profiler.record_function('forward'):
            scores = detector.head(detector.encoder(torch.ones(50, 8)).exp())
            loss = detector.criterion.losses['size'](scores, detector.criterion.assigner(scores))
        with torch.profiler.record_function('backward'):
            loss.backward()
    events = list(recording.events())
    for event in events:  # an operation takes its place in time; then sums are exact
        event.ticks = 1.0 if event.name.startswith(('aten::addmm', profile_step.BACKWARD)) else 0.0
        if event.name in ('encoder', 'head'):
            event.ticks = 10.0
        if event.name in ('forward', 'backward'):
            event.ticks = 100.0
    times = profile_step.stage_times(events, stages, 'ticks')
    names = [event.name for event in events if event.name.startswith(profile_step.BACKWARD)]
    assert times['encoder'][0] == times['head'][0] == 10 and times['other'][0] == 80
    assert sum(pair[1] for pair in times.values()) == 100
    assert times['head'][1] == sum('AddmmBackward' in name or 'TBackward' in name for name in names) / 2
    products = {'aten::addmm': 2, 'aten::mm': 3}  # no gradient of the input
    assert {n: sum(e.name == n for e in events) for n in products} == products
    assert profile_step.products_floor(events, torch.float32, torch.device('cpu')) >= 0


def test_a_component_is_measured_on_what_its_pipeline_makes():
    path = str(REPO / 'configs/qd_detr/qd_detr_clip_charades.py')
    composed = benchmark.with_components(path, ['td.synthesizer', 'la.matching'])
    assert list(composed) == [path, '+ td.synthesizer', '+ la.matching']
    sizes = {name: len(pipeline_batch(cfg, 3, 12, 5)['data_samples']) for name, cfg in composed.items()}
    assert sizes == {path: 6, '+ td.synthesizer': 12, '+ la.matching': 6}  # a further view of each of six sentences
    assert composed[path].model.query_initializer.type != composed['+ la.matching'].model.query_initializer.type


def test_components_that_do_not_fit_are_left_out_of_all_and_refused_by_name():
    path = str(REPO / 'configs/mmn/mmn_clip_charades.py')
    names = list(benchmark.with_components(path, ['all']))
    assert names[0] == path and '+ td.synthesizer' in names and '+ sa.noise' not in names
    with pytest.raises(CompositionError, match=r'sa\.noise: it fills slots of a MomentDetector'):
        benchmark.with_components(path, ['sa.noise'])


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--write'], '--write needs --components'),
        (['b', '--components', 'all'], '--components needs one CONFIG, found 2'),
    ],
)
def test_options_that_do_not_go_together(options, message, capsys, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', 'a', *options])
    with pytest.raises(SystemExit, match='2'):
        benchmark.main()
    assert message in capsys.readouterr().err


def test_the_page_has_ratios_only():
    figures = {
        'find': {'m: 10 x 1': {'ratio': 2.04, 'operations': 0.5, 'together': 111.0, 'apart': 55.0}},
        'long': {
            'm: 75 x 1': {'seconds': 0.2, 'peak_mb': 100.0},
            'm: 750 x 1': {'seconds': 3.0, 'peak_mb': 150.0},
        },
    }

    def run(program, words):
        if program == 'mmvmr':
            return figures[words[1]]
        return {'rows': [{'config': 'a/b.py', 'ratio': 0.5, 'memory ratio': 1.25}]}

    tables = [cells for *_, cells in benchmark_page.parts(run)]
    assert tables[0].splitlines()[-1] == '| m | 10 x 1 | 2.0 | 2.00 |'
    assert tables[1].splitlines()[-1] == '| m | 750 | 10 | 15.0 | 1.50 |'
    assert tables[2].splitlines()[-1] == '| b | 2.00 | 1.25 |'
