# MMN on Charades-STA (VGG, DistilBERT trained along from epoch 5 on; contrastive losses count 1 % from epoch 8 on).
_base_ = [
    '../_base_/models/mmn_bert.py',
    '../_base_/datasets/charades_vgg_tokens.py',
    '../_base_/schedules/schedule_18e_text.py',
    '../_base_/default_runtime.py',
]
default_hooks = dict(freeze=dict(type='FreezeHook', epochs={'projector.text_encoder': 4}))
randomness = dict(seed=25285)
find_unused_parameters = True  # of the frozen text encoder, under distributed training
