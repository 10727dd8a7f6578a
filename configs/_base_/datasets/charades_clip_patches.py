# Charades-STA for VDI: global and patch features of CLIP ViT-B/32, token numbers, tagged queries. Video 512.
# Annotations with tags: tools/dataset_converters/tag_queries.py. No validation split, as in charades_sta.py.
_base_ = ['./tokens_by_video.py']
data_root = 'data/charades_vdi'

feature_spec = dict(streams=dict(clip=dict(dim=512)), text=dict(max_length=77), clip_len=1.0)
stores = dict(
    clip=dict(type='FolderStore', folder='clip_frames', template='{vid}.npz'),
    text=dict(tokenizer='openai/clip-vit-base-patch32', max_length=77),
)
_dataset = dict(data_root=data_root)
train_dataloader = dict(
    batch_size=48,
    collate_fn=dict(shared=('video', 'patches')),
    dataset=dict(
        _dataset,
        ann_file='tagged/charades_train_release.jsonl',
        pipeline=dict(
            augment=dict(
                roles=dict(type='SplitQuery', split=dict(type='TagSplit')),
                patches=dict(
                    type='LoadPatches',
                    store=dict(type='FolderStore', folder='clip_patches', template='{vid}.npz'),
                    num_frames=32,
                    shape=(49, 512),
                ),
            ),
            pack=dict(inputs=dict(video='video_feat', text='text_feat', roles='roles', patches='patches')),
        ),
    ),
)
val_dataloader = dict(batch_size=48, dataset=dict(_dataset, ann_file='charades_test_release.jsonl'))
test_dataloader = val_dataloader

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='charades')]
test_evaluator = val_evaluator
