"""Weights that do not fit are refused wherever they are loaded; nothing outside of a run is removed."""

import copy
import json

import pytest
import torch
from run_helpers import load, run_tool, tiny_config

from mmvmr.engine import MomentRunner
from mmvmr.evaluation.robustness import load_model
from mmvmr.utils.cli import load_config
from mmvmr.utils.setup import setup_env
from mmvmr.utils.weights import WeightMismatchError

SMALL = {'train_cfg.max_epochs': 1, 'param_scheduler': None, 'train_dataloader.dataset.limit': 8}


def make_runner(folder, name, **options):
    cfg = load_config(str(tiny_config(folder, name=name)), {**SMALL, **options})
    cfg.work_dir = str(folder / name)
    cfg.experiment_name = f'{folder.name}_{name}'
    setup_env(cfg)
    return MomentRunner.from_cfg(cfg)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp('weights')
    make_runner(folder, 'first').train()
    return folder / 'first' / 'epoch_1.pth'


@pytest.mark.parametrize('use', ['test', 'resume', 'load_from'])
@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        (lambda state: {}, 'holds no weights'),
        (lambda state: {f'module.{name}': value for name, value in state.items()}, 'begin with `module.`'),
        (lambda state: dict(list(state.items())[:-1]), '1 are missing in the file'),
        (lambda state: {**state, 'other.weight': torch.zeros(2)}, '1 of the file are unexpected (other.weight)'),
        (lambda state: {k: v.flatten() for k, v in state.items()}, 'another width'),
        (lambda state: {k: v * float('nan') for k, v in state.items()}, 'hold NaN or infinity'),
    ],
)
def test_refused_in_one_line(trained, tmp_path, use, change, reason):
    checkpoint = load(trained)
    checkpoint['state_dict'] = change(checkpoint['state_dict'])
    path = tmp_path / 'changed.pth'
    torch.save(checkpoint, path)
    runner = make_runner(tmp_path, 'run', load_from=str(path), resume=use == 'resume')
    before = copy.deepcopy(runner.model.state_dict()) if use == 'test' else None
    with pytest.raises(WeightMismatchError, match=r'changed\.pth') as error:
        runner.test() if use == 'test' else runner.train()
    assert reason in str(error.value) and '\n' not in str(error.value)
    if before:
        assert all(torch.equal(value, before[name]) for name, value in runner.model.state_dict().items())
    assert not list((tmp_path / 'run').rglob('metrics.json'))
    assert not (tmp_path / 'run' / 'run.py').exists()  # nor the config of a run that did not start


def test_partial_fit_on_request_only(trained, tmp_path):
    checkpoint = load(trained)
    state = checkpoint['state_dict']
    names = list(state)
    del state[names[0]]
    state[names[1]] = torch.zeros(1, 2, 3)
    path = tmp_path / 'part.pth'
    torch.save(checkpoint, path)
    # Also through the average, which starts from the same weights.
    runner = make_runner(tmp_path, 'part', load_from=str(path), load_from_partial=True)
    runner.train()
    (log,) = (tmp_path / 'part').glob('*/*.log')
    assert f'Partly loaded {path}: {len(names) - 2} of {len(names)} weights of the model fit' in log.read_text()
    checkpoint['state_dict'] = {'x': torch.zeros(1)}
    torch.save(checkpoint, path)
    with pytest.raises(WeightMismatchError, match='0 of '):  # nothing fits: never meant
        make_runner(tmp_path, 'none', load_from=str(path), load_from_partial=True).train()


def test_average_of_a_resumed_run(trained, tmp_path):
    options = {'load_from': str(trained), 'resume': True, 'train_cfg.max_epochs': 2}
    with pytest.raises(ValueError, match='without EMA: its weights are averaged'):
        make_runner(tmp_path, 'without', **options, **{'default_hooks.ema': None}).train()
    checkpoint = load(trained)
    checkpoint['ema_state_dict'].popitem()
    torch.save(checkpoint, tmp_path / 'short.pth')
    with pytest.raises(ValueError, match=r'ema_state_dict of the checkpoint.*1 are missing'):
        make_runner(tmp_path, 'short', **{**options, 'load_from': str(tmp_path / 'short.pth')}).train()
    del checkpoint['ema_state_dict']
    torch.save(checkpoint, tmp_path / 'none.pth')
    with pytest.raises(ValueError, match=r'with default_hooks.ema: it was trained without'):
        make_runner(tmp_path, 'none', **{**options, 'load_from': str(tmp_path / 'none.pth')}).train()


@pytest.mark.parametrize(
    'damage',
    [
        lambda c: c.update(message_hub=3),
        lambda c: c['message_hub'].update(log_scalars={'train/loss': 'text'}),
        lambda c: c.update(optimizer={'state': {}}),
        lambda c: c['meta'].update(epoch='one'),
        lambda c: c.pop('message_hub'),
    ],
)
def test_damaged_checkpoints_are_a_message(trained, tmp_path, damage):
    checkpoint = load(trained)
    damage(checkpoint)
    torch.save(checkpoint, tmp_path / 'damaged.pth')
    with pytest.raises(ValueError) as error:
        make_runner(tmp_path, 'damaged', load_from=str(tmp_path / 'damaged.pth'), resume=True).train()
    assert '\n' not in str(error.value) and str(error.value)


def test_no_path_of_a_checkpoint_is_removed(trained, tmp_path):
    """A new best, and rotation: what the checkpoint says about other files is not followed."""
    victims = [tmp_path / name for name in ('thesis.docx', 'epoch_1.pth', 'best_other.pth')]
    for victim in victims:
        victim.write_text('years of work')
    checkpoint = load(trained)
    first = trained.parent
    before = sorted(path.name for path in first.glob('*.pth'))
    for best in (*victims, next(first.glob('best_*.pth'))):
        checkpoint['message_hub']['runtime_info'].update(
            best_ckpt=str(best), best_score=-1.0, keep_ckpt_ids=['1/../../thesis.docx', 1, True, -3, {'a': 1}]
        )
        torch.save(checkpoint, tmp_path / 'downloaded.pth')
        options = {'load_from': str(tmp_path / 'downloaded.pth'), 'resume': True, 'train_cfg.max_epochs': 2}
        runner = make_runner(tmp_path, f'run_{best.stem}', **options, **{'default_hooks.checkpoint.max_keep_ckpts': 1})
        runner.train()
        assert all(victim.read_text() == 'years of work' for victim in victims)
        assert sorted(path.name for path in first.glob('*.pth')) == before
        own = {path.name for path in (tmp_path / f'run_{best.stem}').glob('*.pth')}
        assert own == {'epoch_2.pth', 'best_MR-full-mAP_epoch_2.pth'}  # a best of this folder, too


def test_save_best_auto(tmp_path):
    options = {'default_hooks.checkpoint.save_best': 'auto', 'default_hooks.checkpoint.rule': None}
    make_runner(tmp_path, 'auto', **options, **{'train_cfg.max_epochs': 2}).train()
    assert len(list((tmp_path / 'auto').glob('best_MR-full-mAP_epoch_*.pth'))) == 1


def test_the_tools_and_robustness_refuse_the_same(trained, tmp_path):
    torch.save({'state_dict': {'module.x': torch.zeros(1)}}, tmp_path / 'x.pth')
    config = tiny_config(tmp_path)
    for tool, arguments in (('test.py', ['--work-dir', tmp_path / 'w']), ('analysis_tools/robustness.py', ['--quiet'])):
        text = run_tool(tool, config, tmp_path / 'x.pth', *arguments, check=2)
        errors = [line for line in text.splitlines() if line.startswith('error: ')]
        assert len(errors) == 1 and 'x.pth: the weights are not those of the model of this config: 0 of ' in errors[0]
        assert 'begin with `module.`' in errors[0] and 'Traceback' not in text
    assert not list((tmp_path / 'w').rglob('metrics.json'))


def test_train_then_test_keeps_both_results(tmp_path):
    runner = make_runner(tmp_path, 'both')
    runner.train()
    for _ in range(2):
        runner.test()
    found = sorted((tmp_path / 'both' / 'test').glob('*/metrics.json'))
    assert [path.parent.name for path in found] == ['epoch_1-test', 'epoch_1-test-2']
    assert all(json.loads(p.read_text())['checkpoint'] == 'weights of this process after 1 epochs' for p in found)


OTHER_HEADS = {'model.shared.num_heads': 8}


@pytest.mark.parametrize('use', ['test', 'resume'])
def test_weights_of_another_model_that_fit_are_refused(trained, tmp_path, use):
    runner = make_runner(tmp_path, 'run', load_from=str(trained), resume=use == 'resume', **OTHER_HEADS)
    with pytest.raises(ValueError, match=r'model\.shared\.num_heads is 4 in the checkpoint and 8 in the config'):
        runner.test() if use == 'test' else runner.train()
    assert not list((tmp_path / 'run').rglob('metrics.json'))


def test_another_model_on_purpose(trained, tmp_path):
    """Asked for, or as the start of a training, it is a warning."""
    options = {**OTHER_HEADS, 'default_hooks.inference_spec.mismatch': 'warn'}
    make_runner(tmp_path, 'asked', load_from=str(trained), **options).test()
    make_runner(tmp_path, 'start', load_from=str(trained), **OTHER_HEADS).train()
    for name in ('asked', 'start'):
        (log,) = (tmp_path / name).glob('*/*.log')
        assert 'model.shared.num_heads is 4 in the checkpoint' in log.read_text()


def test_robustness_refuses_another_model(trained, tmp_path):
    cfg = load_config(str(tiny_config(tmp_path)), OTHER_HEADS)
    with pytest.raises(ValueError, match=r'epoch_1\.pth: .*num_heads is 4 in the checkpoint and 8 in the config'):
        load_model(cfg, str(trained), [])
    cfg.default_hooks.inference_spec.mismatch = 'warn'
    load_model(cfg, str(trained), [])
