# VDI on Charades-STA with CLIP's ResNet-50; the supplement says ResNet and not which. Frames are its image embeddings,
# patches its 7 x 7 places, projected by the attention pooling (1024 channels). checkpoints/clip_rn50_text: the text
# encoder of that checkpoint as a CLIPTextModelWithProjection.
_base_ = [
    '../_base_/models/vdi.py',
    '../_base_/datasets/charades_clip_patches.py',
    '../_base_/schedules/schedule_18e_text.py',
    '../_base_/default_runtime.py',
]
model = dict(
    shared=dict(word_dims=1024, frame_dims=1024),
    projector=dict(
        text_encoder=dict(
            architecture=dict(projection_dim=1024),
            pretrained='checkpoints/clip_rn50_text',
        )
    ),
)
feature_spec = dict(streams=dict(clip=dict(dim=1024)))
stores = dict(clip=dict(folder='clip_rn50_frames'))
_patches = dict(store=dict(folder='clip_rn50_patches'), shape=(49, 1024))
train_dataloader = dict(dataset=dict(pipeline=dict(augment=dict(patches=_patches))))
default_hooks = dict(freeze=dict(type='FreezeHook', epochs={'projector.text_encoder': 4}))
randomness = dict(seed=25285)
find_unused_parameters = True  # of the frozen text encoder, under distributed training
