# QVHighlights: SlowFast + CLIP at 2 s, CLIP text (features of the Moment-DETR authors). Video 2816 + 2, text 512.
# data_root holds highlight_{train,val}_release.jsonl and {slowfast,clip,clip_text}_features/.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
# Test split: --cfg-options test_dataloader.dataset.ann_file=highlight_test_with_gt.jsonl
_base_ = ['./moments.py', './slowfast_clip.py']
data_root = 'data/qvhl'

feature_spec = dict(max_clips=75)
extraction = 'slowfast_clip_2s'  # of configs/features: how the finder makes these features
_dataset = dict(
    data_root=data_root,
    pipeline=dict(
        targets=dict(_delete_=True, type='BuildMomentTargets', max_windows=5, labels=dict(type='HighlightLabels'))
    ),
)
train_dataloader = dict(dataset=dict(_dataset, ann_file='highlight_train_release.jsonl'))
val_dataloader = dict(batch_size=100, dataset=dict(_dataset, ann_file='highlight_val_release.jsonl'))
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='MomentRetrievalMetric', protocol='qvhighlights'),
    dict(type='HighlightMetric', protocol='qvhighlights'),
]
test_evaluator = val_evaluator
