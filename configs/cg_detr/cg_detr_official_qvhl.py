# CG-DETR on QVHighlights exactly as the official code runs it: word masks laid out head by head over the samples with a
# real negative, a saliency token that attends to nothing, padding in losses, dummy labels after an argmax, the loss of
# false negatives apart; windows clamped to 150 s, highlight scores in half precision.
_base_ = ['./cg_detr_qvhl.py']
_pair = dict(
    rows='valid', word_positions='kept', encoder=dict(token_reads='nothing', fusion=dict(mask_layout='head_major'))
)
model = dict(
    encoder=dict(encoder=dict(encoder=_pair)),
    criterion=dict(
        losses=dict(
            saliency_rank=dict(false_negatives='added'),
            attention_rank=dict(false_negatives='ignored'),
            attention_clip=dict(padding='include'),
            moment_dummy=dict(labels='first'),
            moment_clip=dict(padding='include', form='probability'),
            distill=dict(padding='include'),
        )
    ),
    postprocessor=dict(scale='duration', clamp=(0, 150), half_saliency=True),
)
