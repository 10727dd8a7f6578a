# TD-DETR on TACoS (SlowFast + CLIP at 2 s), as published, with the recipe of the official script. Its few videos are
# compared when training starts; they keep their length, where the official code averages to 200 clips.
_base_ = [
    '../_base_/models/td_detr_highlight4.py',
    '../_base_/datasets/tacos.py',
    '../_base_/schedules/schedule_100e_constant2.py',
    '../_base_/default_runtime.py',
]
model = dict(postprocessor=dict(round_to=2.0))
synthesis = dict(type='SynthesizeVideo', alpha=0.7, partner=dict(type='SimilarVideoSampler'))
train_dataloader = dict(dataset=dict(pipeline=dict(augment=dict(synthesis=synthesis))))
del synthesis  # only a name of this file
