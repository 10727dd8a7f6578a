# The best without training, on joined videos: canonical correlations of EfficientNet clips with sentences, ConSE vectors as
# given, and windows that begin and end at scene changes. Chosen on joins of clips split off train. Fitted, not trained:
# mmvmr fit.
_base_ = ['../_base_/datasets/msrvtt_joined.py', '../_base_/baseline_runtime.py']
model = dict(
    type='FittedDetector',
    predictor=dict(
        type='SimilarityWindows',
        boundary=1.0,
        maps=dict(
            cca=dict(type='SimilarityMap', kind='cca', penalty=3.0),
            conse=dict(type='SimilarityMap', stream='conse', kind='given'),
        ),
        weights=dict(conse=0.5),
    ),
)
