# QVHighlights with only CLIP features. Video 512 + 2, text 512.
_base_ = ['./qvhl.py']
extraction = 'clip_b32_2s'
feature_spec = dict(
    _delete_=True, streams=dict(clip=dict(dim=512)), text=dict(dim=512, max_length=32), clip_len=2.0, max_clips=75
)
stores = dict(slowfast=None)
