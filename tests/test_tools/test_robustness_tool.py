"""robustness.py: one command on a checkpoint, the same figures every time, one line for a mistake."""

import json

import pytest
import torch
from mmengine.config import Config
from run_helpers import run_tool, tiny_config

from mmvmr.evaluation.robustness import PROBES
from mmvmr.registry import MODELS
from mmvmr.utils.setup import register_all_modules

pytestmark = pytest.mark.slow

TOOL = 'analysis_tools/robustness.py'
SPLITS = """
robustness = dict(
    default=['val', 'val_ood'],
    splits=dict(val=dict(num_videos=4), val_ood=dict(split='val_ood', num_videos=3)),
    probes=dict(half_context=dict(type='ReplaceContext', share=0.5)),
)
"""


@pytest.fixture(scope='module')
def untrained(tmp_path_factory):
    """A config and random weights for it."""
    register_all_modules()
    folder = tmp_path_factory.mktemp('robustness')
    config, checkpoint = tiny_config(folder, SPLITS), folder / 'weights.pth'
    torch.manual_seed(0)
    torch.save({'state_dict': MODELS.build(Config.fromfile(config).model).state_dict()}, checkpoint)
    return config, checkpoint


def test_all_probes_on_both_splits(untrained, tmp_path):
    files = [tmp_path / 'r.json', tmp_path / 'r.md']
    text = run_tool(TOOL, *untrained, '--out', *files)
    report = json.loads(files[0].read_text())
    assert list(report['splits']) == ['val', 'val_ood']
    for found in report['splits'].values():
        assert list(found['probes']) == [*PROBES, 'half_context']
        assert set(found['probes']['plain']) == {
            'R1@0.5',
            'R1@0.7',
            'R1@0.9',
            'mIoU',
            'mAP@0.5',
            'mAP@0.75',
            'mAP',
            'ratio',
        }
        assert 0 <= found['frame_probability']['inside'] <= 1
    assert report['splits']['val']['probes'] != report['splits']['val_ood']['probes']
    assert 'val_ood: spurious_zero, ' in text and '| plain/probe |' in text
    lines = files[1].read_text().splitlines()
    assert sum('| plain ' in line for line in lines) == 2
    assert sum('saliency, scaled' in line for line in lines) == 2

    run_tool(TOOL, *untrained, '--out', tmp_path / 'again.json', '--quiet')
    assert (tmp_path / 'again.json').read_text() == files[0].read_text()


def test_some_probes_on_some_queries(untrained, tmp_path):
    out = tmp_path / 'r.json'
    run_tool(TOOL, *untrained, '--splits', 'test', '--probes', 'empty_query', '--limit', 3, '--out', out)
    split = json.loads(out.read_text())['splits']['test']
    assert split['num_queries'] == 3
    assert list(split['probes']) == ['plain', 'empty_query']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--splits', 'dev'], "error: unknown split 'dev': this config has ['val', 'val_ood', 'test', 'test_ood']"),
        (['--probes', 'blur'], "error: unknown probes ['blur']: expected some of ["),
        (['--out', 'r.txt'], 'error: --out r.txt: expected a name that ends in .json or .md'),
        (['--limit', '0'], 'error: argument --limit: 0: expected a whole number'),
        (['--splits', 'x=no.jsonl'], 'no.jsonl: no such annotation file or folder'),
    ],
)
def test_mistakes_are_one_line(untrained, arguments, message):
    text = run_tool(TOOL, *untrained, *arguments, check=2)
    assert message in text and 'Traceback (' not in text


def test_a_missing_checkpoint(untrained):
    assert 'error: checkpoint none.pth: no such file' in run_tool(TOOL, untrained[0], 'none.pth', check=2)


def test_test_scores_the_masked_view_in_the_same_pass(untrained, tmp_path):
    view = dict(pipeline=dict(augment=dict(spurious=dict(type='MaskTargets', view='spurious'))))
    metrics = [dict(type='MomentRetrievalMetric', outfile=str(tmp_path / 'p.jsonl')), dict(type='SpuriousMetric')]
    loader = f'test_dataloader = dict(batch_size=8, dataset=dict(num_videos=4, **{view}))'
    config = tiny_config(tmp_path, f'{loader}\ntest_evaluator = {metrics}\n')
    show = tmp_path / 'figures'
    run_tool('test.py', config, untrained[1], '--work-dir', tmp_path / 'work', '--show-dir', show)
    found = json.loads((tmp_path / 'work/test/weights-test/metrics.json').read_text())
    assert {'MR-full-mAP', 'Spurious-mAP', 'Spurious-R1@0.7', 'Spurious-mIoU'} <= set(found['metrics'])
    assert len((tmp_path / 'p.jsonl').read_text().splitlines()) == found['num_queries']

    out = tmp_path / 'r.json'
    run_tool(TOOL, config, untrained[1], '--splits', 'test', '--probes', 'spurious_zero', '--out', out)
    probes = json.loads(out.read_text())['splits']['test']['probes']
    assert probes['plain']['mAP'] == found['metrics']['MR-full-mAP']
    assert probes['spurious_zero']['mIoU'] == found['metrics']['Spurious-mIoU']
