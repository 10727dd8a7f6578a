# Canonical correlations of clips (EfficientNet) and sentences, on joined videos. Fitted, not trained: mmvmr fit.
_base_ = ['../_base_/datasets/msrvtt_joined.py', '../_base_/baseline_runtime.py']
model = dict(
    type='FittedDetector',
    predictor=dict(
        type='SimilarityWindows',
        maps=dict(cca=dict(type='SimilarityMap', kind='cca', penalty=3.0)),
    ),
)
