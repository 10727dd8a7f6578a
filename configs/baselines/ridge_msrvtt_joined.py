# A closed-form ridge map from clips (EfficientNet) to sentences, on joined videos. Fitted, not trained: mmvmr fit.
_base_ = ['../_base_/datasets/msrvtt_joined.py', '../_base_/baseline_runtime.py']
model = dict(
    type='FittedDetector',
    predictor=dict(
        type='SimilarityWindows',
        maps=dict(ridge=dict(type='SimilarityMap', kind='ridge', penalty=3.0)),
    ),
)
