# SA-DETR with an existence head in closed form on part of Charades-STA (CLIP features), evaluated on queries with and
# without a moment.
_base_ = ['../sa_detr/sa_detr_clip_charades.py']
model = dict(existence_head=dict(type='ExistenceHead', source='similarity', similarity=dict(type='SimilarityMap')))
val_dataloader = dict(dataset=dict(ann_file=['val.jsonl', 'val_none_in_domain.jsonl']))
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='MomentRetrievalMetric', protocol='charades'),
    dict(type='MomentRetrievalMetric', protocol='gmr'),
    # The score of the best moment in place of the existence score, for comparison.
    dict(type='MomentRetrievalMetric', protocol='gmr', ignore_existence=True, prefix='window'),
]
test_evaluator = val_evaluator
