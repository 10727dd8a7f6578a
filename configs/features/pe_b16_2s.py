# Perception Encoder at 2 s, one frame from the middle of each clip, as clip_b32_2s.py takes them.
_base_ = ['./pe_b16_1fps.py']
feature_spec = dict(clip_len=2.0)
extractors = dict(pe=dict(position=0.4995, rounding='round'))
