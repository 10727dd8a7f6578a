# Canonical correlations of CLIP space and sentences, on part of Charades-STA with CLIP features. Penalty and longest
# window were chosen on part of train. Fitted, not trained: mmvmr fit.
_base_ = ['../_base_/datasets/charades_clip.py', '../_base_/baseline_runtime.py']
model = dict(
    type='FittedDetector',
    predictor=dict(
        type='SimilarityWindows',
        longest=12,
        maps=dict(cca=dict(type='SimilarityMap', kind='cca', penalty=3.0)),
    ),
)
