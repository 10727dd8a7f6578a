# TD-DETR exactly as the official code runs it: beta weights the residual of the clips, differences contain those of the
# positions, word masks laid out head by head, negatives not checked for the same video, windows clamped to 150 s.
_base_ = ['./qd_detr.py']
model = dict(
    encoder=dict(
        sampler=dict(exclude_same_video=False),
        word_positions='kept',
        encoder=dict(
            fusion=dict(
                type='DynamicsCrossFusion',
                layer=dict(type='DynamicsCrossLayer', beta=0.7),
                mask_layout='head_major',
            )
        ),
    ),
    postprocessor=dict(scale='duration', clamp=(0, 150), half_saliency=True),
)
