# TACoS: SlowFast + CLIP at 2 s, CLIP text (features of the CG-DETR authors, whose text files are named {qid}.npz).
# Video 2816 + 2, text 512. Published recipes choose the epoch on the test split; this one on the validation split.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
_base_ = ['./moments.py', './slowfast_clip.py']
data_root = 'data/tacos'

stores = dict(text=dict(template='{qid}.npz'))
_dataset = dict(data_root=data_root)
train_dataloader = dict(dataset=dict(_dataset, ann_file='tacos_train_release.jsonl'))
val_dataloader = dict(dataset=dict(_dataset, ann_file='tacos_val_release.jsonl'))
test_dataloader = dict(dataset=dict(_dataset, ann_file='tacos_test_release.jsonl'))

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='tacos')]
test_evaluator = val_evaluator
