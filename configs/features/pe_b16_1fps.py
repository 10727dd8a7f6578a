# Perception Encoder (PE-Core-B, 224 pixels) at one frame per second, and the tokens of its text tower, through open_clip.
# Clips and sentences share a space: without training, `mmvmr find` can search in it. A downloaded checkpoint:
# --cfg-options extractors.pe.model=/path extractors.text.model=/path
feature_spec = dict(streams=dict(pe=dict(dim=1024)), text=dict(dim=1024, max_length=32), clip_len=1.0)
extractors = dict(
    pe=dict(type='OpenCLIPImageExtractor', model='timm/PE-Core-B-16'),
    text=dict(type='OpenCLIPTextExtractor', model='timm/PE-Core-B-16'),
)
