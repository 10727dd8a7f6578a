# Charades-STA: SlowFast + CLIP at 1 s, CLIP text (features of the CG-DETR authors). Video 2816 + 2, text 512.
# The data set has no validation split: the published recipes, and this one, choose the epoch on the test split.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
_base_ = ['./moments.py', './slowfast_clip.py']
data_root = 'data/charades_sta'

feature_spec = dict(clip_len=1.0)
_dataset = dict(data_root=data_root)
train_dataloader = dict(dataset=dict(_dataset, ann_file='charades_train_release.jsonl'))
val_dataloader = dict(dataset=dict(_dataset, ann_file='charades_test_release.jsonl'))
test_dataloader = val_dataloader

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='charades')]
test_evaluator = val_evaluator
