# FlashVTG on Charades-STA (SlowFast + CLIP at 1 s): weights and rates of the official script.
_base_ = [
    '../_base_/models/flash_vtg.py',
    '../_base_/datasets/charades_sta.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    criterion=dict(losses=dict(contrast=dict(weight=0.01), clip_score=dict(weight=0.1))),
    postprocessor=dict(round_to=1.0),
)
train_dataloader = dict(batch_size=128)
train_cfg = dict(max_epochs=50)
optim_wrapper = dict(optimizer=dict(lr=2.5e-4))
