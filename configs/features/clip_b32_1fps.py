# CLIP ViT-B/32 at one frame per second (frames at 0, 1, 2 ... s) and its words: layout of configs/_base_/datasets.
# A downloaded checkpoint: --cfg-options extractors.clip.model=/path extractors.text.model=/path
feature_spec = dict(streams=dict(clip=dict(dim=512)), text=dict(dim=512, max_length=32), clip_len=1.0)
extractors = dict(
    clip=dict(type='CLIPImageExtractor', model='openai/clip-vit-base-patch32', folder='clip_features'),
    text=dict(type='CLIPTextExtractor', model='openai/clip-vit-base-patch32', folder='clip_text_features'),
)
