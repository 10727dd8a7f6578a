# The last four layers of CLIP ViT-B/32 at one frame per second, as R2-Tuning takes them: 4 layers x 50 tokens x 768 channels
# of a frame in one vector (300 kB in half precision), 4 layers x 512 channels of a text token.
feature_spec = dict(
    streams=dict(clip_layers=dict(dim=4 * 50 * 768, normalise='none')),
    text=dict(dim=4 * 512, normalise='none', max_length=77),
    clip_len=1.0,
)
_clip = dict(model='openai/clip-vit-base-patch32', num_layers=4)
extractors = dict(
    clip_layers=dict(type='CLIPImageLayersExtractor', folder='clip_b32_vid_k4', **_clip),
    text=dict(type='CLIPTextLayersExtractor', folder='clip_b32_txt_k4', **_clip),
)
