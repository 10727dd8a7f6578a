# CLIP ViT-B/32 at 2 s, one frame from the middle of each clip, as the published features of QVHighlights.
_base_ = ['./clip_b32_1fps.py']
feature_spec = dict(clip_len=2.0)
extractors = dict(clip=dict(position=0.5, rounding='round'))
