"""A step on random features: what fits says nothing, what does not is listed at once, with key and remedy."""

import pytest
from mmengine.config import Config
from run_helpers import REPO

from mmvmr.cli.main import main
from mmvmr.composition.trial import trial_problems
from mmvmr.utils.config import read_config

FITTING = ('qd_detr/qd_detr_qvhl', 'snag/snag_clip_charades', 'mmn/mmn_clip_charades', 'qd_detr/qd_detr_tvsum')
JOINT = dict(
    type='VideoContextEncoder',
    encoder=dict(
        type='JointEncoder',
        layers=dict(type='TransformerEncoder', num_layers=1, layer=dict(type='EncoderLayer')),
    ),
)


@pytest.mark.parametrize('name', FITTING)
def test_shipped_configs_fit(name):
    assert trial_problems(read_config(REPO / 'configs' / f'{name}.py')) == []


def broken():
    """QD-DETR with an encoder that makes no token and no negatives, and two losses that ask for other parts."""
    cfg = Config(read_config(REPO / 'configs/qd_detr/qd_detr_clip_charades.py').to_dict())
    cfg.model.encoder = JOINT
    cfg.model.criterion.losses.existence = dict(type='ExistenceLoss')
    cfg.model.criterion.losses.inter = dict(type='VideoSentenceLoss')
    return cfg


def test_everything_that_does_not_fit_is_listed():
    found = dict(problem.split(': ', 1) for problem in trial_problems(broken()))
    assert set(found) == {
        'model.saliency_head',
        *(f'model.criterion.losses.{name}' for name in ('saliency_negative', 'existence', 'inter')),
    }
    assert 'use LinearSaliencyHead' in found['model.saliency_head']
    assert 'model.encoder to be a NegativePairEncoder' in found['model.criterion.losses.saliency_negative']
    assert 'model.existence_head' in found['model.criterion.losses.existence']
    assert 'SimilarityProjector' in found['model.criterion.losses.inter']


def test_a_stage_that_others_need_ends_the_trial():
    cfg = broken()
    cfg.model.query_initializer = dict(
        type='LearnedQueryInitializer', num_queries=4
    )  # without anchors, to which it adds
    problems = trial_problems(cfg)
    assert problems[-1] == 'what comes after model.decoder was not tried'
    assert [problem.split(':')[0] for problem in problems[:-1]] == ['model.decoder']


def test_what_is_not_built():
    cfg = broken()
    cfg.model.decoder.no_such_option = 3
    (problem,) = trial_problems(cfg)
    assert problem.startswith('model: ') and 'no_such_option' in problem


def test_command(tmp_path, capsys):
    path = tmp_path / 'broken.py'
    broken().dump(path)
    out = tmp_path / 'new.py'
    command = ['compose', str(path), '--with', 'bm.temporal_shift', '--out', str(out), '--check']
    assert main(command) == 1
    text = capsys.readouterr().err
    assert '4 parts of the composed config do not fit' in text and 'model.criterion.losses.inter: ' in text
    assert not out.exists()
    config = str(REPO / 'configs/qd_detr/qd_detr_clip_charades.py')
    assert main(['compose', config, *command[2:]]) == 0
    assert out.is_file()


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ('causal.front_door.num_prototypes=0', 'causal.front_door.num_prototypes is 0, expected at least 1'),
        ('sa.noise.num_groups=many', "sa.noise.num_groups is 'many', expected a whole number"),
        (
            'la.matching.bounds=(5,1)',
            'model: LengthwiseAssigner: bounds=[2.5, 0.5], expected positive lengths in ascend',
        ),
        ('la.matching.bounds=(a,)', "la.matching: options {'bounds': ('a',)}: unsupported operand"),
        ('sa.gaussian.alpha=0', 'model: GaussianModulator: alpha=0, expected more than 0'),
        ('td.synthesizer.alpha=2', 'pipeline: SynthesizeVideo: alpha=2, expected a share in [0, 1]'),
        ('flash.clip_score.weight=-4', 'flash.clip_score.weight is -4, expected a finite number of at least 0'),
    ],
)
def test_options_that_make_no_sense_end_the_command(tmp_path, capsys, option, message):
    name, out = '.'.join(option.split('.')[:2]), tmp_path / 'new.py'
    config = 'univtg_qvhl' if name.startswith('flash') else 'qd_detr_qvhl'
    with pytest.raises(SystemExit, match='2'):
        main(['compose', config, '--with', name, '--options', option, '--out', str(out)])
    assert message in capsys.readouterr().err
    assert not out.exists()
