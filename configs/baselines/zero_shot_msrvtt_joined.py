# Zero-shot similarity in the space that clips (ConSE) and sentences share, centred by the means of the training data,
# on joined videos. Fitted, not trained: mmvmr fit.
_base_ = ['../_base_/datasets/msrvtt_joined.py', '../_base_/baseline_runtime.py']
model = dict(
    type='FittedDetector',
    predictor=dict(
        type='SimilarityWindows',
        maps=dict(conse=dict(type='SimilarityMap', stream='conse', kind='given')),
    ),
)
