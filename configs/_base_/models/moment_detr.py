# Moment-DETR (Lei et al., NeurIPS 2021): a joint encoder over video and text, learned queries, no anchors.
_base_ = ['./detr.py']
model = dict(
    shared=dict(activation='relu'),
    encoder=dict(
        type='JointEncoder', layers=dict(type='TransformerEncoder', num_layers=2, layer=dict(type='EncoderLayer'))
    ),
    query_initializer=dict(type='LearnedQueryInitializer', num_queries=10),
    decoder=dict(
        type='TransformerDecoder',
        num_layers=2,
        position=dict(type='LearnedQueryPosition'),
        layer=dict(
            type='DecoderLayer',
            self_attn=dict(type='QuerySelfAttention'),
            cross_attn=dict(type='QueryCrossAttention'),
        ),
    ),
    moment_head=dict(span=dict(type='DirectSpanHead')),
    saliency_head=dict(type='LinearSaliencyHead'),
)
