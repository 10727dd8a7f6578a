# CG-DETR on QVHighlights, fine-tuned from a checkpoint that was pre-trained on captions (longer sentences):
# --cfg-options load_from=PATH
_base_ = ['./cg_detr_qvhl.py']
text = dict(max_length=75)
train_dataloader = dict(dataset=dict(feature_spec=dict(text=text)))
val_dataloader = dict(dataset=dict(feature_spec=dict(text=text)))
test_dataloader = val_dataloader
del text
