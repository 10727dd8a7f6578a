# QD-DETR on QVHighlights exactly as the official code runs it: word masks laid out head by head, negatives not
# checked for the same video, windows clamped to 150 s, highlight scores in half precision.
_base_ = ['./qd_detr_qvhl.py']
model = dict(
    encoder=dict(
        sampler=dict(exclude_same_video=False),
        word_positions='kept',
        encoder=dict(fusion=dict(mask_layout='head_major')),
    ),
    postprocessor=dict(scale='duration', clamp=(0, 150), half_saliency=True),
)
