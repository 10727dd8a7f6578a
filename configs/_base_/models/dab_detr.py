# Learned (center, width) anchors that every decoder layer refines and attends from (DAB-DETR, Liu et al., ICLR 2022), as
# QD-DETR and what builds on it use them.
_base_ = ['./detr.py']
model = dict(
    query_initializer=dict(type='LearnedAnchorQueryInitializer', num_queries=10),
    decoder=dict(
        type='TransformerDecoder',
        num_layers=2,
        position=dict(type='AnchorQueryPosition'),
        refiner=dict(type='AnchorRefiner'),
        layer=dict(
            type='DecoderLayer',
            self_attn=dict(type='ConditionalSelfAttention'),
            cross_attn=dict(type='ConditionalCrossAttention'),
        ),
        first_layer=dict(cross_attn=dict(add_query_pos=True)),
    ),
)
