"""VDI trains from files: token numbers, tagged sentences, patches; validation needs no tags and no patches."""

import json

import numpy as np
import pytest
from run_helpers import REPO, WORDS, load, run_tool, validation_history, write_tokenizer

pytestmark = pytest.mark.slow

CONFIG = """
_base_ = ['{configs}/vdi/vdi_charades_cg.py']
model = dict(
    shared=dict(embed_dims=16, joint_dims=8, word_dims=12, frame_dims=12),
    projector=dict(
        video_dims=12,
        text_encoder=dict(
            architecture=dict(
                vocab_size={words},
                hidden_size=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=24,
                projection_dim=12,
                max_position_embeddings=20,
                bos_token_id=2,
                eos_token_id=3,
            ),
            pretrained=None,
        ),
    ),
    encoder=dict(num_layers=1, kernel_size=3),
    criterion=dict(losses=dict(spatial_dynamic=dict(num_patches=4, encoder_dims=8))),
)
dataset = dict(
    feature_spec=dict(streams=dict(clip=dict(dim=12))), stores=dict(text=dict(tokenizer='{tokenizer}', max_length=20))
)
augment = dict(patches=dict(num_frames=8, shape=(4, 12)))
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(dataset, pipeline=dict(augment=augment)),
)
val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dataset)
test_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dataset)
del dataset, augment
train_cfg = dict(max_epochs=2)
default_hooks = dict(logger=dict(interval=1), freeze=dict(epochs={{'projector.text_encoder': 1}}))
"""
SENTENCES = {
    'person opens the door': ['NOUN', 'VERB', 'DET', 'NOUN'],
    'the door opens up': ['DET', 'NOUN', 'VERB', 'PRT'],
}


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    root = tmp_path / 'data'
    for folder in ('clip_frames', 'clip_patches', 'tagged'):
        (root / folder).mkdir(parents=True)
    rows = []
    for video in range(6):
        np.savez(root / 'clip_frames' / f'v{video}.npz', features=rng.normal(size=(20, 12)).astype(np.float32))
        if video < 4:  # the others are for validation
            np.savez(root / 'clip_patches' / f'v{video}.npz', features=rng.normal(size=(10, 4, 12)).astype(np.float16))
        for query, tags in SENTENCES.items():
            starts = [query.index(word) for word in query.split()]
            spans = [[start, start + len(word)] for start, word in zip(starts, query.split())]
            start = float(rng.integers(0, 10))
            row = dict(
                qid=len(rows), vid=f'v{video}', query=query, duration=20.0, relevant_windows=[[start, start + 6]]
            )
            rows.append({**row, 'query_tags': [[*span, tag, None] for span, tag in zip(spans, tags)]})
    plain = [{key: value for key, value in row.items() if key != 'query_tags'} for row in rows]
    for name, part in (('tagged/train', rows[:8]), ('test_trivial', plain[8:]), ('novel_word', plain[8:])):
        (root / f'{name}.jsonl').write_text(''.join(json.dumps(row) + '\n' for row in part))
    return root


def test_training(data, tmp_path):
    pytest.importorskip('transformers')
    config, work = tmp_path / 'vdi.py', tmp_path / 'work'
    tokenizer = write_tokenizer(tmp_path / 'tokenizer')
    config.write_text(CONFIG.format(configs=(REPO / 'configs').as_posix(), tokenizer=tokenizer, words=len(WORDS)))
    options = ['--cfg-options', f'data_root={data}']
    run_tool('train.py', config, '--work-dir', work, *options)
    scalars = ''.join(path.read_text() for path in work.glob('*/vis_data/scalars.json')).splitlines()
    steps = [row for row in map(json.loads, scalars) if 'loss' in row]
    assert len(steps) == 4
    for row in steps:
        assert row['loss_visual_context'] > 0
        assert row['loss_spatial_dynamic'] > 0
    first, last = (load(work / f'epoch_{epoch}.pth')['state_dict'] for epoch in (1, 2))
    moved = {name for name, value in last.items() if value.is_floating_point() and not value.equal(first[name])}
    assert any(name.startswith('projector.text_encoder.') for name in moved), 'it trains from the second epoch on'
    assert {'criterion.losses.visual_context.project_words.weight', 'encoder.iou.weight'} <= moved
    assert len(validation_history(work)) == 2
