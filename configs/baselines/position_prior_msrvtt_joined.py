# The fixed windows that cover most moments of the training data, on joined videos. Fitted, not trained: mmvmr fit.
_base_ = ['../_base_/datasets/msrvtt_joined.py', '../_base_/baseline_runtime.py']
model = dict(
    type='FittedDetector',
    predictor=dict(type='PositionPrior'),
    postprocessor=dict(type='MomentPostProcessor', score='quality', scale='duration', decimals=None),
)
