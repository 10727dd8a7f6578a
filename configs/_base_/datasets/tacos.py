# TACoS: SlowFast + CLIP at 2 s, CLIP text (features of the CG-DETR authors, whose text files are named {qid}.npz).
# Video 2816 + 2, text 512. Published recipes choose the epoch on the test split; this one on the validation split.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
_base_ = ['./slowfast_clip.py']
data_root = 'data/tacos'

dataset = dict(
    data_root=data_root,
    stores=dict(text=dict(template='{qid}.npz')),
)
train_dataloader = dict(dataset=dict(dataset, ann_file='tacos_train_release.jsonl'))
val_dataloader = dict(dataset=dict(dataset, ann_file='tacos_val_release.jsonl'))
test_dataloader = dict(dataset=dict(dataset, ann_file='tacos_test_release.jsonl'))
del dataset  # only a name of this file

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='tacos')]
test_evaluator = val_evaluator
