# Moment-DETR on QVHighlights with the official post-processing: windows clamped to 150 s whatever the duration,
# highlight scores in half precision.
_base_ = ['./moment_detr_qvhl.py']
model = dict(postprocessor=dict(scale='duration', clamp=(0, 150), half_saliency=True))
