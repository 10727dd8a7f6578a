# EaTR pre-trained on automatic captions (ASR) of QVHighlights: 100 epochs of batch 256. The official script has these
# settings and fails in its data loader.
# Fine-tune with: eatr_qvhl.py --cfg-options load_from=work_dirs/eatr_pretrain_qvhl/<best>.pth
_base_ = [
    '../_base_/models/eatr.py',
    '../_base_/datasets/qvhl_subtitles.py',
    '../_base_/schedules/schedule_200e_step150.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(round_to=2.0))
train_cfg = dict(max_epochs=100)
randomness = dict(seed=429)
