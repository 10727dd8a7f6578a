# EaTR on Charades-STA (SlowFast + CLIP at 1 s). The settings of the paper (I3D, VGG) are not public: these are those of
# Lighthouse, a third party (2 + 2 layers, 2e-4, a tenth of it from epoch 40, highlight weight 4).
_base_ = [
    '../_base_/models/eatr.py',
    '../_base_/datasets/charades_sta.py',
    '../_base_/schedules/schedule_100e_step40.py',
    '../_base_/default_runtime.py',
]
model = dict(
    encoder=dict(encoder=dict(layers=dict(num_layers=2))),
    decoder=dict(num_layers=2),
    criterion=dict(losses=dict(saliency_margin=dict(weight=4.0))),
    postprocessor=dict(round_to=1.0),
)
