# SlowFast R50 8x8 and CLIP ViT-B/32 at 2 s, CLIP words: what configs/_base_/datasets/qvhl.py reads.
# Checkpoint: SLOWFAST_8x8_R50 of PySlowFast's model zoo, see docs/user_guides/features.md.
_base_ = ['./clip_b32_2s.py']
feature_spec = dict(
    _delete_=True,
    streams=dict(slowfast=dict(dim=2304), clip=dict(dim=512)),
    text=dict(dim=512, max_length=32),
    clip_len=2.0,
)
extractors = dict(slowfast=dict(type='SlowFastExtractor', checkpoint='checkpoints/SLOWFAST_8x8_R50.pth'))
