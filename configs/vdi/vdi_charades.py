# VDI on Charades-STA (CLIP ViT-B/32).
_base_ = [
    '../_base_/models/vdi.py',
    '../_base_/datasets/charades_clip_patches.py',
    '../_base_/schedules/schedule_18e_text.py',
    '../_base_/default_runtime.py',
]
default_hooks = dict(freeze=dict(type='FreezeHook', epochs={'projector.text_encoder': 4}))
randomness = dict(seed=25285)
find_unused_parameters = True  # of the frozen text encoder, under distributed training
