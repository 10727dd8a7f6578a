# FlashVTG on part of Charades-STA with only CLIP features: trains on a CPU, with two layers of cross-attention instead of
# six.
_base_ = [
    '../_base_/models/flash_vtg.py',
    '../_base_/datasets/charades_clip.py',
    '../_base_/schedules/schedule_45e_step40.py',
    '../_base_/default_runtime.py',
]
_pair = dict(encoder=dict(fusion=dict(num_layers=2), layers=dict(num_layers=2)))
model = dict(
    encoder=dict(encoder=dict(encoder=dict(encoder=_pair))),
    criterion=dict(losses=dict(contrast=dict(weight=0.01), clip_score=dict(weight=0.1))),
)
