# CG-DETR for data without annotated moments: no moment tokens, and the decoder stays untrained, as in the official code.
_base_ = ['./cg_detr.py']
model = dict(
    encoder=dict(encoder=dict(_delete_=True, **_base_.model.encoder.encoder.encoder)),
    criterion=dict(
        assigner=None,
        losses=dict(
            span=None,
            giou=None,
            label=None,
            moment_sentence=None,
            moment_dummy=None,
            moment_clip=None,
            distill=None,
            orthogonal_dummies=None,
            orthogonal_prompts=None,
        ),
    ),
)
