# FlashVTG on QVHighlights (SlowFast + CLIP): sizes, weights and rates of the official script.
_base_ = [
    '../_base_/models/flash_vtg.py',
    '../_base_/datasets/qvhl.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(round_to=2.0))
train_dataloader = dict(batch_size=64)
train_cfg = dict(max_epochs=150)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
