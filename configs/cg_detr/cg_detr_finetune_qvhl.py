# CG-DETR on QVHighlights, fine-tuned from a checkpoint that was pre-trained on captions (longer sentences):
# --cfg-options load_from=PATH
_base_ = ['./cg_detr_qvhl.py']
feature_spec = dict(text=dict(max_length=75))
