# TD-DETR on TACoS (SlowFast + CLIP at 2 s), as published, with the recipe of the official script. Its few videos are
# compared when training starts; they keep their length, where the official code averages to 200 clips.
_base_ = [
    '../_base_/models/td_detr.py',
    '../_base_/datasets/tacos.py',
    '../_base_/schedules/schedule_100e_constant2.py',
    '../_base_/default_runtime.py',
]
model = dict(
    encoder=dict(encoder=dict(fusion=dict(fusion=dict(num_layers=3)), layers=dict(num_layers=3))),
    decoder=dict(num_layers=3),
    criterion=dict(
        losses=dict(
            saliency_margin=dict(weight=4.0),
            saliency_rank=dict(weight=4.0),
            saliency_negative=dict(weight=4.0),
        )
    ),
    postprocessor=dict(round_to=2.0),
)
_synthesis = dict(type='SynthesizeVideo', alpha=0.7, partner=dict(type='SimilarVideoSampler'))
train_dataloader = dict(dataset=dict(pipeline=dict(augment=dict(synthesis=_synthesis))))
