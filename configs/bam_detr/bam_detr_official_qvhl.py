# BAM-DETR on QVHighlights exactly as the official code runs it: word masks laid out head by head, negatives not checked
# for the same video, queries overwritten in every pass, boundary features and points that read padding, boundary
# targets placed on the padded length, 4 points instead of 3, quality from differences, a class head without weight.
# Windows are cut to the duration, never above 150 s here, before they are rounded: the official order.
_base_ = ['./bam_detr_qvhl.py']
model = dict(
    encoder=dict(
        sampler=dict(exclude_same_video=False),
        word_positions='kept',
        encoder=dict(fusion=dict(mask_layout='head_major')),
    ),
    query_initializer=dict(projection='in_place'),
    decoder=dict(
        boundary_features=dict(padding='keep'),
        boundary_layer=dict(attention=dict(num_points=4, scale='padded', zero_init=False)),
    ),
    moment_head=dict(logits=dict(type='ForegroundHead', num_states=3, num_layers=2), quality=dict(form='difference')),
    criterion=dict(
        assigner=dict(costs=dict(label=dict(type='ForegroundCost', weight=0.0))),
        losses=dict(
            label=dict(type='ForegroundLoss', weight=0.0, background_weight=0.1),
            boundary=dict(grid='padded'),
        ),
    ),
    postprocessor=dict(scale='duration'),
)
