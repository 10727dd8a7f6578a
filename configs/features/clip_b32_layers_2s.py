# The last four layers of CLIP ViT-B/32 at 2 s, the frame as in clip_b32_2s.py.
_base_ = ['./clip_b32_layers_1fps.py']
feature_spec = dict(clip_len=2.0)
extractors = dict(clip_layers=dict(position=0.4995, rounding='round'))
