# The control with features that were trained apart (VGG, DistilBERT) on Charades-CG: words and frames share no space, so the
# guides learn one. Files as in vdi_charades_cg.py, with clips in vgg_rgb_features.hdf5 and maps of pool5 in vgg_patches.
_base_ = [
    '../_base_/models/mmn_bert.py',
    '../_base_/datasets/charades_vgg_tokens.py',
    '../_base_/schedules/schedule_18e_text.py',
    '../_base_/default_runtime.py',
]
data_root = 'data/charades_cg'

_learned = dict(word_dims=768, space='learned')
model = dict(
    shared=dict(frame_dims=4096),
    criterion=dict(
        losses=dict(
            visual_context=dict(type='VisualContextLoss', weight=0.5, form='consistent', **_learned),
            spatial_dynamic=dict(
                type='SpatialDynamicLoss', weight=0.01, form='relational', num_patches=49, frame_dims=512, **_learned
            ),
        )
    ),
)
_augment = dict(
    roles=dict(type='SplitQuery', split=dict(type='TagSplit')),
    patches=dict(
        type='LoadPatches',
        store=dict(type='FolderStore', folder='vgg_patches', template='{vid}.npz'),
        num_frames=32,
        shape=(49, 512),
    ),
)
_pack = dict(inputs=dict(video='video_feat', text='text_feat', roles='roles', patches='patches'))
_dataset = dict(data_root=data_root, ann_file='tagged/train.jsonl', pipeline=dict(augment=_augment, pack=_pack))
train_dataloader = dict(collate_fn=dict(shared=('video', 'patches')), dataset=_dataset)
val_dataloader = dict(dataset=dict(data_root=data_root, ann_file='test_trivial.jsonl'))
test_dataloader = dict(dataset=dict(data_root=data_root, ann_file='novel_word.jsonl'))
default_hooks = dict(freeze=dict(type='FreezeHook', epochs={'projector.text_encoder': 4}))
randomness = dict(seed=25285)
find_unused_parameters = True  # of the frozen text encoder, under distributed training
