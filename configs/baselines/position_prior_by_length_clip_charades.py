# The fixed windows that cover most moments of the training data, for videos of four lengths, on part of Charades-STA
# with CLIP features. Fitted, not trained: mmvmr fit.
_base_ = ['../_base_/datasets/charades_clip.py', '../_base_/baseline_runtime.py']
model = dict(
    type='FittedDetector',
    predictor=dict(type='PositionPrior', bins=4),
    postprocessor=dict(type='MomentPostProcessor', score='quality', scale='duration', decimals=None),
)
