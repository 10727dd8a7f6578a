"""A data set of one's own in three commands (docs/user_guides/features.md), and the check of what they made."""

import json

import numpy as np
import pytest
from run_helpers import run_tool
from test_features.painted import write_video
from test_features.tiny_models import write_bert, write_clip

pytestmark = pytest.mark.slow

pytest.importorskip('av')
pytest.importorskip('transformers')
CONFIG = 'configs/qd_detr/qd_detr_clip_charades.py'
TABLES = {
    'train.csv': 'video,query,start,end\n'
    'a,the door opens,0,2\na,somebody sits,3,5\nb,the door opens,1,9.5\nb,the door opens,1,9.5\nc,a cat walks,2,4\n',
    'val.csv': 'video,query,start,end\nd,the door closes,0,3\ne,a cat sits,2,3.5\n',
}
LENGTHS = {'a': 6.0, 'b': 8.0, 'c': 5.0, 'd': 7.0, 'e': 5.6}
SMALL = ['train_cfg.max_epochs=1', 'train_dataloader.batch_size=2', 'model.shared.embed_dims=32']
SMALL += ['model.shared.ffn_dims=32', 'default_hooks.logger.interval=1']


def test_three_commands(tmp_path, repo_dir, monkeypatch):
    monkeypatch.chdir(repo_dir)
    for name, text in TABLES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / 'videos').mkdir()
    for name, length in LENGTHS.items():
        write_video(tmp_path / 'videos' / f'{name}.mp4', np.arange(round(length * 5)) / 5, length)
    data = tmp_path / 'mine'
    tables = [tmp_path / name for name in TABLES]

    # 1 validate: a window past the end is cut, a line that is there twice goes
    said = run_tool('dataset_converters/validate.py', *tables, '--videos', tmp_path / 'videos', '--fix', '--out', data)
    assert 'train.csv' in said
    train = [json.loads(line) for line in (data / 'train.jsonl').read_text().splitlines()]
    assert [row['vid'] for row in train] == ['a', 'a', 'b', 'c']
    assert train[2]['relevant_windows'] == [[1, 8.0]]
    val = [json.loads(line) for line in (data / 'val.jsonl').read_text().splitlines()]

    # 2 extract: tiny checkpoints with the dimensions of the real ones
    clip, bert = write_clip(tmp_path / 'clip', projected=512), write_bert(tmp_path / 'bert', dim=384)
    weights = [f'extractors.clip.model={clip}', f'extractors.text.model={bert}']
    queries = [data / 'train.jsonl', data / 'val.jsonl']
    command = ['--spec', 'clip_b32_minilm_1fps', '--out', data, '--queries', *queries, '--cfg-options', *weights]
    said = run_tool('extract_features.py', tmp_path / 'videos', *command)
    assert '5 videos extracted, 0 failed' in said
    for row in (*train, *val):
        with np.load(data / 'features' / 'clip_b32_1fps' / f'{row["vid"]}.npz') as video:
            assert video['features'].shape == (np.ceil(row['duration']), 512)
        with np.load(data / 'features' / 'minilm_tokens' / f'qid{row["qid"]}.npz') as text:
            assert text['last_hidden_state'].shape == (len(row['query'].split()) + 2, 384)

    # what they made is a data set
    said = run_tool('analysis_tools/check_dataset.py', CONFIG, '--cfg-options', f'data_root={data}')
    assert ': 0 errors, ' in said, said

    # 3 train
    work = tmp_path / 'work'
    said = run_tool('train.py', CONFIG, '--work-dir', work, '--cfg-options', f'data_root={data}', *SMALL)
    assert 'Epoch(val) [1]' in said, said[-2000:]
    assert (work / 'epoch_1.pth').is_file()
