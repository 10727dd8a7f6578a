# Moment-DETR pre-trained on automatic captions (ASR) of QVHighlights: one window per caption, 100 epochs of batch 256.
# Fine-tune with: moment_detr_qvhl.py --cfg-options load_from=work_dirs/moment_detr_pretrain_qvhl/<best>.pth
_base_ = [
    '../_base_/models/moment_detr.py',
    '../_base_/datasets/qvhl_subtitles.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(round_to=2.0))
train_cfg = dict(max_epochs=100)
