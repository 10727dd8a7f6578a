# Chance: windows with random ends, on part of Charades-STA with CLIP features. Fitted, not trained: mmvmr fit.
_base_ = ['../_base_/datasets/charades_clip.py', '../_base_/baseline_runtime.py']
model = dict(type='FittedDetector', predictor=dict(type='RandomWindows'))
