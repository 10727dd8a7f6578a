"""tools/analysis_tools/print_config.py."""

import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]


def run(*arguments):
    tool = str(REPO / 'tools' / 'analysis_tools' / 'print_config.py')
    return subprocess.run([sys.executable, tool, *arguments], capture_output=True, text=True, check=False)


def test_a_section_folded():
    shown = run('qd_detr_qvhl', '--model', '--depth', '1').stdout.splitlines()
    assert shown[0] == 'model = dict('
    assert '    projector=LinearProjector(...),' in shown
    assert not [line for line in shown if line.startswith('train_dataloader')]


def test_what_is_printed_is_a_config():
    names = {}
    exec(run('qd_detr_qvhl', '--data').stdout, names)
    assert names['train_dataloader']['dataset']['feature_spec'] == names['feature_spec']
    assert list(names['feature_spec']['streams']) == ['slowfast', 'clip']


def test_difference():
    lines = run('--diff', 'moment_detr_qvhl', 'moment_detr_official_qvhl').stdout.splitlines()
    assert lines == [
        "+ model.postprocessor.scale = 'duration'",
        '+ model.postprocessor.clamp = (0, 150)',
        '+ model.postprocessor.half_saliency = True',
    ]
    changed = run('--diff', 'bm_detr_charades_cd', 'bm_detr_charades_cd_ood').stdout
    assert changed == "~ test_dataloader.dataset.ann_file: 'test_iid.jsonl' -> 'test_ood.jsonl'\n"


def test_mistakes():
    missing = run('qd_detr_qvh')
    assert missing.returncode == 2
    assert 'near names of shipped configs: qd_detr_qvhl' in missing.stderr
    assert run().returncode == 2
