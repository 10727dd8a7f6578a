# The embedded data set as a benchmark of shortcuts: objects mostly appear in their own scene, most questions are about
# the first half of a video, and scenes are easier to see than what happens in front of them. `val` and `test` are drawn
# as `train` is; `val_ood` and `test_ood` reverse both biases. A model that uses the moment scores the same on both, one
# that reads scene or position does not. All of it: mmvmr robustness CONFIG CHECKPOINT
_base_ = ['./synthetic.py']
_biases = dict(context_correlation=0.9, location_bias=0.8, event_weight=0.4)
# The same samples with masked moments, for the Spurious figures. By the mean of the other clips: zeros and noise look
# like nothing in the training videos, and QD-DETR answers them with next to nothing (mAP 1), which tells no models
# apart.
_masked = dict(pipeline=dict(augment=dict(spurious=dict(type='MaskTargets', mode='mean', view='spurious'))))
train_dataloader = dict(dataset=dict(_biases))
val_dataloader = dict(dataset=dict(_biases, **_masked))
test_dataloader = dict(dataset=dict(_biases, **_masked))

val_evaluator = [
    dict(type='MomentRetrievalMetric', protocol='qvhighlights'),
    dict(type='HighlightMetric', protocol='qvhighlights'),
    dict(type='SpuriousMetric', protocol='qvhighlights'),
]
test_evaluator = val_evaluator
