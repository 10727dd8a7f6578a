# MMN on Charades-STA with CLIP's ResNet-50 (frames and text encoder), the baseline of VDI: that config without its
# losses.
_base_ = ['../vdi/vdi_rn50_charades.py']
model = dict(criterion=dict(losses=dict(visual_context=None, spatial_dynamic=None)))
train_dataloader = dict(
    collate_fn=dict(shared=('video',)),
    dataset=dict(
        ann_file='charades_train_release.jsonl',
        pipeline=dict(
            augment=dict(roles=None, patches=None),
            pack=dict(inputs=dict(_delete_=True, video='video_feat', text='text_feat')),
        ),
    ),
)
