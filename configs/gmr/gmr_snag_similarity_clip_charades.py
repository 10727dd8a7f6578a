# SnAG whose existence head receives how similar clips and sentence are too, on part of Charades-STA (CLIP features).
_base_ = ['./gmr_snag_clip_charades.py']
model = dict(existence_head=dict(similarity=dict(type='SimilarityMap')))
default_hooks = dict(fit=dict(type='FitHook'))
