# FlashVTG on Charades-STA with InternVideo2 features (1 s): weights, scorer and rates of the official script.
_base_ = [
    '../_base_/models/flash_vtg.py',
    '../_base_/datasets/charades_internvideo2.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
_scorer = dict(kernel_size=7, num_convs=2, num_layers=3)
model = dict(
    point_head=dict(score_tower=_scorer, refine=dict(tower=_scorer)),
    criterion=dict(losses=dict(contrast=dict(weight=0.01), clip_score=dict(weight=0.1))),
    postprocessor=dict(round_to=1.0),
)
train_cfg = dict(max_epochs=50)
optim_wrapper = dict(optimizer=dict(lr=1.5e-4))
