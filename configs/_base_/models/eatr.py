# EaTR (Jang et al., ICCV 2023): slots find the events of a video and become the moment queries; pseudo events from its
# self-similarity teach them; the first decoder layer brings the sentence into the queries by a gate.
# As published; eatr_official_qvhl.py has what the official code does otherwise.
_base_ = ['./dab_detr.py']
model = dict(
    shared=dict(activation='relu'),
    encoder=dict(
        type='EventContextEncoder',
        events=dict(type='PseudoEvents'),
        encoder=dict(
            type='JointEncoder', layers=dict(type='TransformerEncoder', num_layers=3, layer=dict(type='EncoderLayer'))
        ),
    ),
    query_initializer=dict(type='SlotQueryInitializer', num_iters=3),
    decoder=dict(
        num_layers=3,
        refine_from='output',
        detach_anchors=True,
        position=dict(full_width=True, scale_first_layer=True),
        refiner=dict(zero_init=True),
        first_layer=dict(enhance=dict(type='GatedFusion')),
    ),
    moment_head=dict(span=dict(type='RefinedSpanHead')),
    saliency_head=dict(type='LinearSaliencyHead'),
    criterion=dict(
        losses=dict(
            # Event coefficient 3 times the weights of span and giou.
            event_span=dict(type='SpanL1Loss', weight=30.0, sets=('event',)),
            event_giou=dict(type='SpanGIoULoss', weight=3.0, sets=('event',)),
        )
    ),
)
