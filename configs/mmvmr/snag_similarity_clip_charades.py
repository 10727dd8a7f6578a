# The best there is here on part of Charades-STA: SnAG with the similarity of clip and sentence on its fused levels, ten epochs.
_base_ = ['../snag/snag_clip_charades.py']
_encoder = dict(
    _delete_=True, type='SimilarityEncoder', similarity=dict(type='SimilarityMap'), encoder=_base_.model.encoder
)
model = dict(encoder=_encoder)
train_cfg = dict(max_epochs=10)
# A shorter warm-up, and an average of the weights that reaches as far back.
param_scheduler = dict(end=3)
default_hooks = dict(ema=dict(momentum=0.01))
