# VDI (Luo et al., CVPR 2023) on MMN: CLIP's text encoder trained along, and words of change that learn from the video.
# Reconstructed from the supplement; see configs/vdi/README.md for what is not from the paper.
_base_ = ['./mmn.py']
model = dict(
    shared=dict(word_dims=512, frame_dims=512),
    projector=dict(
        text_encoder=dict(
            type='TransformersTextEncoder',
            architecture=dict(model_type='clip_text_model'),
            pretrained='openai/clip-vit-base-patch32',
            model_class='CLIPTextModelWithProjection',
        ),
    ),
    encoder=dict(sentence=dict(pool='last')),
    criterion=dict(
        losses=dict(
            visual_context=dict(type='VisualContextLoss', weight=0.5, form='consistent'),
            spatial_dynamic=dict(type='SpatialDynamicLoss', weight=0.01, form='relational', num_patches=49),
        )
    ),
)
