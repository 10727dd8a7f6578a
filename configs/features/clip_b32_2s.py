# CLIP ViT-B/32 at 2 s, one frame from the middle of each clip, as the published features of QVHighlights. ffmpeg's `fps`
# filter, which made those, takes the frame before the middle where another one starts just there (24, 25, 30, 60 frames
# per second): hence a millisecond less than a half.
_base_ = ['./clip_b32_1fps.py']
feature_spec = dict(clip_len=2.0)
extractors = dict(clip=dict(position=0.4995, rounding='round'))
