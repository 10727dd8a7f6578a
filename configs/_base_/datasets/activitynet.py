# ActivityNet-Captions: SlowFast + CLIP at 2 s, CLIP text, made like those of QVHighlights. Video 2816 + 2, text 512.
# None of the covered methods publishes a setting that runs; this is that of Charades-STA with clips of 2 s.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
_base_ = ['./moments.py', './slowfast_clip.py']
data_root = 'data/activitynet'

_dataset = dict(data_root=data_root)
train_dataloader = dict(dataset=dict(_dataset, ann_file='activitynet_train_release.jsonl'))
val_dataloader = dict(dataset=dict(_dataset, ann_file='activitynet_val_release.jsonl'))
test_dataloader = val_dataloader

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='activitynet')]
test_evaluator = val_evaluator
