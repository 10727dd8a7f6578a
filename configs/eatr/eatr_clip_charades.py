# EaTR on part of Charades-STA with only CLIP features: trains on a CPU. Layers and highlight weight of Lighthouse, the
# recipe of the other methods on this set, our decision.
_base_ = [
    '../_base_/models/eatr.py',
    '../_base_/datasets/charades_clip.py',
    '../_base_/schedules/schedule_45e_step40.py',
    '../_base_/default_runtime.py',
]
model = dict(
    encoder=dict(encoder=dict(layers=dict(num_layers=2))),
    decoder=dict(num_layers=2),
    criterion=dict(losses=dict(saliency_margin=dict(weight=4.0))),
)
