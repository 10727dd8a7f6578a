# CLIP ViT-B/32 at one frame per second, with tokens of MiniLM: what configs/_base_/datasets/charades_clip.py reads.
_base_ = ['./clip_b32_1fps.py']
feature_spec = dict(text=dict(dim=384))
extractors = dict(
    clip=dict(folder='features/clip_b32_1fps'),
    text=dict(
        _delete_=True,
        type='SentenceExtractor',
        model='sentence-transformers/all-MiniLM-L6-v2',
        folder='features/minilm_tokens',
    ),
)
