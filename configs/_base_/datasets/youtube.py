# YouTube Highlights (highlights only): CLIP + SlowFast, one vector per annotated clip; CLIP text as stored.
# Video 2816 + 2, text 512. Features of the UniVTG and CG-DETR authors, whose scripts put CLIP before SlowFast.
# One model per domain: --cfg-options domain=skiing (dog gymnastics parkour skating skiing surfing; the tools push it
# into every data set). No test split: published recipes, and this one, choose the epoch on the validation videos.
# Another place for the data: --cfg-options data_root=/path
_base_ = ['./moments.py']
data_root = 'data/youtube_highlights'
domain = 'dog'

feature_spec = dict(
    streams=dict(clip=dict(dim=512), slowfast=dict(dim=2304)),
    text=dict(dim=512, normalise='none'),
    clip_len=1.0,
    max_clips=1000,
)
stores = dict(
    clip=dict(type='FolderStore', folder='vid_clip', template='{vid}.npz'),
    slowfast=dict(type='FolderStore', folder='vid_slowfast', template='{vid}.npz'),
    text=dict(type='FolderStore', folder='txt_clip', template='{qid}.npz', key='last_hidden_state'),
)
_dataset = dict(
    data_root=data_root,
    domain=domain,
    pipeline=dict(
        # Annotated clips are 100 frames each and overlap by half: clips x 1 s says nothing about the duration. The
        # targets compare the number of vectors with the number of labels instead.
        load=dict(duration_tolerance=10.0),
        targets=dict(_delete_=True, type='BuildHighlightTargets', labels=dict(type='BinaryLabels')),
    ),
)
train_dataloader = dict(batch_size=4, dataset=dict(_dataset, ann_file='youtube_highlight_train_release.jsonl'))
val_dataloader = dict(batch_size=4, dataset=dict(_dataset, ann_file='youtube_highlight_val_release.jsonl'))
test_dataloader = val_dataloader

val_evaluator = [dict(type='HighlightMetric', protocol='youtube_highlights')]
test_evaluator = val_evaluator
