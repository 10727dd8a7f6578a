# BM-DETR as the official code runs it: the decoder attends to clips before they are weighted, padding takes part in the
# frame attention, pooling with hidden layers, sentences of the same video count as negatives, an error rate
# without gradient is part of the total.
_base_ = ['./bm_detr.py']
model = dict(
    encoder=dict(padding='include', decoder_reads='plain'),
    decoder=dict(position=dict(width_first=True, modulator_dims=2)),
    criterion=dict(
        view_weights=dict(main=1.0),
        losses=dict(
            error=dict(type='ForegroundErrorLoss', weight=1.0, final_only=True),
            alignment=dict(
                pool=dict(type='TanhAttentionPool'), projection_dims=256, denominator='all', same_video='include'
            ),
        ),
    ),
)
