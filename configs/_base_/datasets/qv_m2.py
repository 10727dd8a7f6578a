# QV-M2 (FlashMMR, NeurIPS 2025): sentences with several moments in the videos of QVHighlights, whose features these are;
# those of the sentences have to be extracted. Many sentences have no ratings, so clips inside a moment count as relevant.
_base_ = ['./qvhl.py']
data_root = 'data/qv_m2'
_dataset = dict(data_root=data_root, pipeline=dict(targets=dict(labels=dict(_delete_=True, type='MomentLabels'))))
train_dataloader = dict(dataset=dict(_dataset, ann_file='train.jsonl'))
val_dataloader = dict(dataset=dict(_dataset, ann_file='val.jsonl'))
test_dataloader = dict(dataset=dict(_dataset, ann_file='test.jsonl'))
val_evaluator = [
    dict(type='MomentRetrievalMetric', protocol='qvhighlights'),
    dict(type='MomentRetrievalMetric', protocol='gmr'),
]
test_evaluator = val_evaluator
