# FlashVTG on QVHighlights with InternVideo2 features: five levels and no clip-aware score loss, as in the official script.
_base_ = [
    '../_base_/models/flash_vtg.py',
    '../_base_/datasets/qvhl_internvideo2.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
model = dict(
    shared=dict(num_levels=5),
    criterion=dict(losses=dict(clip_score=None)),
    postprocessor=dict(round_to=2.0),
)
train_dataloader = dict(batch_size=64)
train_cfg = dict(max_epochs=150)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
