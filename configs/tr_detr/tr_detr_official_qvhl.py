# TR-DETR on QVHighlights exactly as the official code runs it: word masks laid out head by head; padding in the softmax
# over highlights, in the alignment losses and after the GRU; moments that begin before the video wrap around; windows
# clamped to 150 s, highlight scores in half precision.
_base_ = ['./tr_detr_qvhl.py']
model = dict(
    encoder=dict(padding='include', fusion=dict(stages=dict(text=dict(mask_layout='head_major')))),
    saliency_head=dict(padding='include', start='wrap'),
    criterion=dict(losses=dict(video_text=dict(padding='include'), clip_local=dict(padding='include'))),
    postprocessor=dict(scale='duration', clamp=(0, 150), half_saliency=True),
)
