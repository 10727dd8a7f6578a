# Other readings of what the paper leaves open; see the table in the README of SA-DETR.
_base_ = ['./_base_/sa_detr_qvhl.py']
name = 'sa_detr_choices'
title = 'SA-DETR, choices that are not in the paper (QVHighlights val)'
rows = dict(
    default=dict(label='as in sa_detr_qvhl.py'),
    add_refine=dict(
        label='offsets are added to spans, as printed',
        options={'model.decoder.refiner.coder': dict(_delete_=True, type='AdditiveSpanCoder')},
    ),
    log_mask=dict(
        label='the Gaussian mask weights the attention',
        options={'model.decoder.layer.cross_attn.modulator.mode': 'log'},
    ),
    local_fused=dict(
        label='the local block stands next to the global one',
        options={'model.encoder.encoder.local_input': 'fused'},
    ),
    added_position=dict(
        label='positions are added to projected query contents (eq. 1)',
        options={'model.decoder.layer.self_attn.position': 'projected'},
    ),
    projected_residual=dict(
        label='the cross-attention adds to the projected contents (eq. 6)',
        options={'model.decoder.layer.residual': 'projected'},
    ),
    no_residual=dict(label='the cross-attention adds to nothing', options={'model.decoder.layer.residual': 'none'}),
    width_noise=dict(
        label='center noise in proportion to the width (DN-DETR)',
        options={'model.query_initializer.noise.center_noise': 'width'},
    ),
)
