# A closed-form ridge map from CLIP space to sentences, on part of Charades-STA with CLIP features. Penalty and longest
# window were chosen on part of train. Fitted, not trained: mmvmr fit.
_base_ = ['../_base_/datasets/charades_clip.py', '../_base_/baseline_runtime.py']
model = dict(
    type='FittedDetector',
    predictor=dict(
        type='SimilarityWindows',
        longest=12,
        maps=dict(ridge=dict(type='SimilarityMap', kind='ridge', penalty=3.0)),
    ),
)
