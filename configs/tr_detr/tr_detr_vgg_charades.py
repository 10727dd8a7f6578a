# TR-DETR on Charades-STA (VGG at 1/6 s, GloVe). The paper reports it and the repository has no setting for it: the
# recipe is that of SlowFast + CLIP here, our decision.
_base_ = [
    '../_base_/models/tr_detr.py',
    '../_base_/datasets/charades_vgg.py',
    '../_base_/schedules/schedule_100e_step40.py',
    '../_base_/default_runtime.py',
]
model = dict(
    criterion=dict(losses=dict(saliency_margin=dict(weight=4.0), saliency_rank=dict(weight=4.0))),
    postprocessor=dict(round_to=0.166666),
)
