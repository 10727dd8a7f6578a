"""What cells are, where they live, and that nothing is done twice, lost or mixed up."""

import fcntl
import json
import os
import signal

import pytest
from mmengine.config import Config

from mmvmr.grids.cells import CellBusy, CellFailed, plan
from mmvmr.grids.grid import load_grid
from mmvmr.grids.run import CellJob, flatten, launch_tool, prepare_data, run_cell, slot_environment
from mmvmr.grids.table import render
from mmvmr.utils.cli import UserError


@pytest.fixture
def grid(write_grid):
    return load_grid(write_grid())


def planned(grid, tmp_path, **kwargs):
    return plan(grid, tmp_path / 'work', **kwargs)


def test_configs_of_cells(grid, tmp_path, fake_tools):
    cells = planned(grid, tmp_path, overrides={'train_cfg.max_epochs': 3}, amp=True)
    assert [cell.name for cell in cells] == ['plain, seed 0', 'plain, seed 1', 'mask, seed 0', 'mask, seed 1']
    mask = cells[3].config
    assert mask.randomness.seed == 1 and mask.train_cfg.max_epochs == 3
    assert mask.model.decoder.layer.cross_attn.modulator.alpha == 1.0
    assert mask.optim_wrapper.type == 'AutocastOptimWrapper' and mask.test_cfg.type == 'AutocastTestLoop'
    tools = fake_tools()
    tools.run([cells[3]])
    folder = cells[3].folder
    assert Config.fromfile(folder / 'config.py').to_dict() == mask.to_dict()
    ood = Config.fromfile(next(folder.glob('ood-*.py')))
    assert ood.test_dataloader.dataset.ann_file == 'other.jsonl'
    assert ood.model.to_dict() == mask.model.to_dict()


def test_packages_of_a_grid_are_imported_by_its_cells(write_grid, tmp_path):
    """Cells are other processes; types that a row names are registered there."""
    path = write_grid(('name = ', "custom_imports = dict(imports='json')\nname = "))
    cells = planned(load_grid(path), tmp_path)
    assert all(list(cell.config.custom_imports['imports'])[-1] == 'json' for cell in cells)


def test_a_folder_belongs_to_one_config(grid, write_grid, tmp_path):
    folders = [cell.folder for cell in planned(grid, tmp_path)]
    assert len(set(folders)) == 4
    assert folders == [cell.folder for cell in planned(grid, tmp_path)]
    changed = [cell.folder for cell in planned(grid, tmp_path, overrides={'train_cfg.max_epochs': 3})]
    assert not set(folders) & set(changed)


def test_grids_share_equal_trainings(grid, write_grid, tmp_path, fake_tools):
    first = planned(grid, tmp_path, seeds=[0])
    fake_tools().run(first)
    renamed = write_grid(
        ("name = 'small'", "name = 'other'"),
        ('plain=dict', 'qd=dict'),
        (
            "splits = dict(test={}, ood={'test_dataloader.dataset.ann_file': 'other.jsonl'})",
            "splits = dict(test={}, ood={'test_dataloader.dataset.ann_file': 'third.jsonl'})",
        ),
        name='other.py',
    )
    second = planned(load_grid(renamed), tmp_path, seeds=[0])
    assert [cell.folder for cell in second] == [cell.folder for cell in first]
    tools = fake_tools()
    tools.run(second)
    assert [call.split()[0] for call in tools.calls] == ['test.py'] * 2  # only the other split
    assert all(cell.state() == 'finished' for cell in [*first, *second])


def test_steps_of_a_cell(grid, tmp_path, fake_tools):
    (cell,) = planned(grid.select(['mask']), tmp_path, seeds=[5])
    assert cell.state() == 'new'
    tools = fake_tools(values={'ood-': 4.0})
    assert tools.run([cell]) == []
    train, plain, ood = tools.calls
    assert train == f'train.py {cell.folder}/config.py --work-dir {cell.folder}/train --resume'
    assert plain.startswith(f'test.py {cell.folder}/config.py {cell.folder}/train/best_MR-full-mAP_epoch_3.pth')
    assert ood.startswith(f'test.py {cell.folder}/ood-')
    assert cell.state() == 'finished'
    assert cell.metrics()['test']['MR-full-R1@0.7'] == 10 and cell.metrics()['ood']['MR-full-mAP'] == 2
    again = fake_tools()
    assert again.run([cell]) == [] and again.calls == []


def test_robustness_and_last_checkpoint(write_grid, tmp_path, fake_tools):
    new = "checkpoint = 'last'\nrobustness = ['--probes', 'spurious_zero']"
    path = write_grid(("source = 'a paper'", new), ("'ood/MR-full-mAP'", "'robustness/val/spurious_zero/mAP'"))
    (cell,) = planned(load_grid(path).select(['plain']), tmp_path, seeds=[0])
    tools = fake_tools(values={'robustness.py': 7.0})
    tools.run([cell])
    call = tools.calls[-1]
    assert call.startswith(f'analysis_tools/robustness.py {cell.folder}/config.py {cell.folder}/train/epoch_4.pth ')
    assert '--probes spurious_zero --out ' in call
    assert cell.metrics()['robustness']['val/spurious_zero/mAP'] == 7
    assert cell.metrics()['robustness']['val/frame_probability/inside'] == 0.5
    assert 'val/frame_probability/source' not in cell.metrics()['robustness']


def test_any_grid_evaluates_masked_moments(grid, tmp_path, fake_tools):
    masked = grid.masked()
    assert masked.masked() == masked and list(masked.metrics)[-2:] == ['Spurious mAP', 'mAP / Spurious mAP']
    fake_tools().run(planned(grid, tmp_path))
    tools = fake_tools(values={'robustness.py': 3.0})
    cells = planned(masked, tmp_path)
    tools.run(cells)
    assert [call.split()[0] for call in tools.calls] == ['analysis_tools/robustness.py'] * 4
    assert '3.00 ± 0.00' in render(masked, cells)


def test_a_failure_is_kept_and_the_rest_goes_on(grid, tmp_path, fake_tools):
    cells = planned(grid, tmp_path)
    lines = []
    unfinished = fake_tools(fail={'mask-seed0': 1}).run(cells, 2, lines.append)
    assert [cell.name for cell in unfinished] == ['mask, seed 0']
    assert [cell.state() for cell in cells] == ['finished', 'finished', 'failed', 'finished']
    failure = cells[2].failure()
    assert failure == {'step': 'training', 'status': 1, 'log': ['running train.py', 'Traceback', 'ValueError: no luck']}
    assert any('mask, seed 0: training ended with exit status 1' in line for line in lines)
    tools = fake_tools()
    assert tools.run(cells, 2, lines.append) == []
    assert len(tools.calls) == 3 and cells[2].failure() is None


def test_what_was_trained_is_not_trained_again(grid, tmp_path, fake_tools):
    (cell,) = planned(grid.select(['plain']), tmp_path, seeds=[0])
    fake_tools(fail={'ood-': 1}).run([cell])
    assert cell.state() == 'failed'
    tools = fake_tools()
    tools.run([cell])
    assert len(tools.calls) == 1 and 'ood-' in tools.calls[0]


def test_interrupted_is_not_failed(grid, tmp_path, fake_tools):
    (cell,) = planned(grid.select(['plain']), tmp_path, seeds=[0])
    with pytest.raises(CellFailed, match='training was ended by signal 9'):
        run_cell(cell, launch=fake_tools(fail={'train.py': -9}))
    assert cell.state() == 'interrupted' and cell.failure() is None


def test_a_cell_is_run_once_at_a_time(grid, tmp_path, fake_tools):
    (cell,) = planned(grid.select(['plain']), tmp_path, seeds=[0])
    cell.folder.mkdir(parents=True)
    with open(cell.folder / 'lock', 'w') as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(CellBusy, match='is run by another process'):
            run_cell(cell, launch=fake_tools())
    run_cell(cell, launch=fake_tools())
    assert cell.state() == 'finished'


def test_a_checkpoint_must_be_there(write_grid, tmp_path, fake_tools):
    for which in ('best', 'last'):
        grid = load_grid(write_grid(("source = 'a paper'", f"checkpoint = '{which}'")))
        (cell,) = planned(grid.select(['plain']), tmp_path / which, seeds=[0])
        tools, lines = fake_tools(checkpoints=False), []
        assert tools.run([cell], 1, lines.append) == [cell]
        assert f'{cell.folder}/train: no {which} checkpoint' in lines[-1]


def test_an_interrupted_job_ends_its_tool(tmp_path, monkeypatch):
    (tmp_path / 'tools').mkdir()
    script = "import os, pathlib, signal, time\npathlib.Path('pid').write_text(str(os.getpid()))\n"
    script += 'os.kill(os.getppid(), signal.SIGUSR2)\ntime.sleep(60)\n'
    (tmp_path / 'tools' / 'wait.py').write_text(script)
    (tmp_path / 'configs').mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('mmvmr.grids.run.configs_dir', lambda: tmp_path / 'configs')

    def preempted(number, frame):
        raise SystemExit(-1)

    before = signal.signal(signal.SIGUSR2, preempted)
    try:
        with open('lock', 'w') as lock, pytest.raises(SystemExit):
            launch_tool('wait.py', [], tmp_path / 'log.txt', {}, lock.fileno())
    finally:
        signal.signal(signal.SIGUSR2, before)
    with pytest.raises(ChildProcessError):  # it has ended and was waited for
        os.waitpid(int((tmp_path / 'pid').read_text()), 0)


def test_a_preempted_job_is_queued_with_the_same_cell(grid, tmp_path):
    (cell,) = planned(grid.select(['plain']), tmp_path, seeds=[0])
    job = CellJob(cell, {'OMP_NUM_THREADS': '2'})
    assert job.checkpoint().function == job


def test_processes_share_the_cores(monkeypatch):
    monkeypatch.setattr('os.sched_getaffinity', lambda pid: set(range(8)))
    monkeypatch.setenv('OMP_NUM_THREADS', '5')
    assert slot_environment(0, 3)['OMP_NUM_THREADS'] == '5'
    monkeypatch.delenv('OMP_NUM_THREADS')
    assert slot_environment(0, 3)['OMP_NUM_THREADS'] == '2'
    assert slot_environment(0, 16)['OMP_NUM_THREADS'] == '1'
    monkeypatch.setattr('torch.cuda.is_available', lambda: True)
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '2,5')
    assert [slot_environment(slot, 3)['CUDA_VISIBLE_DEVICES'] for slot in range(3)] == ['2', '5', '2']


def test_nested_figures_by_their_paths():
    report = {'val': {'num_queries': 3, 'probes': {'plain': {'mAP': 1.5, 'ratio': None, 'source': 'x', 'good': True}}}}
    assert flatten(report) == {'val/num_queries': 3, 'val/probes/plain/mAP': 1.5, 'val/probes/plain/ratio': None}


def test_annotations_that_a_script_makes_are_there_before_training(write_grid, tmp_path, capfd):
    command = "['dataset_converters/mine_negative_queries.py', '{data_root}/train.jsonl', '{out}', '--moments-only']"
    path = write_grid(
        ('seeds = [0, 1]', f"seeds = [0, 1]\nprepare = {{'mined.jsonl': {command}, 'other.jsonl': {command}}}"),
        (
            "rows = dict(\n    plain=dict(label='QD-DETR',",
            "rows = dict(\n    plain=dict(label='QD-DETR', options=_mined,",
        ),
    )
    path.write_text("_mined = {'train_dataloader.dataset.ann_file': 'mined.jsonl'}\n" + path.read_text())
    grid = load_grid(path)
    cells = plan(grid, tmp_path / 'work', overrides={'data_root': str(tmp_path)})
    said = []
    with pytest.raises(UserError, match=r'mine_negative_queries\.py ended with exit status 2; it should write .*mined'):
        prepare_data(grid, cells, said.append)
    assert 'train.jsonl' in capfd.readouterr().err
    row = {'vid': 'v', 'duration': 20}
    rows = [
        {**row, 'qid': 1, 'query': 'a door opens', 'relevant_windows': [[0, 5]]},
        {**row, 'qid': 2, 'query': 'a person sits', 'relevant_windows': [[10, 20]]},
    ]
    (tmp_path / 'train.jsonl').write_text(''.join(json.dumps(row) + '\n' for row in rows))
    with pytest.raises(UserError, match=r'splits\.test, row plain: .*highlight_val_release\.jsonl: no such file'):
        prepare_data(grid, cells, said.append)
    (tmp_path / 'highlight_val_release.jsonl').touch()
    prepare_data(grid, cells, said.append)
    assert (tmp_path / 'other.jsonl').read_bytes() == (tmp_path / 'mined.jsonl').read_bytes()
    mined = [json.loads(line) for line in (tmp_path / 'mined.jsonl').read_text().splitlines()]
    assert [row['neg_query_ids'] for row in mined] == [[2], [1]]
    (tmp_path / 'elsewhere').mkdir()
    (tmp_path / 'elsewhere/other.jsonl').touch()
    moved = grid.model_copy(
        update=dict(splits=dict(ood={**grid.splits['ood'], 'data_root': str(tmp_path / 'elsewhere')}))
    )
    (tmp_path / 'other.jsonl').unlink()
    prepare_data(moved, plan(moved, tmp_path / 'work', overrides={'data_root': str(tmp_path)}), said.append)
    assert len(said) == 3  # a failure; then once per file for both seeds, and not for the row with other annotations
    prepare_data(grid, cells, said.append)
    assert len(said) == 4  # the file that is gone again
