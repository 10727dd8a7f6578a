# CG-DETR (Moon et al., 2023, arXiv 2311.08835): dummy tokens that absorb attention, prompts for the saliency token,
# moment and sentence tokens that teach the cross-attention. Losses of the official code: loss_saliency = saliency_* +
# attention_*, loss_ms_align = moment_*, loss_orthogonal_dummy = orthogonal_*; a data set's config sets the weights.
model = dict(
    type='MomentDetector',
    shared=dict(
        embed_dims=256,
        num_heads=8,
        ffn_dims=1024,
        dropout=0.1,
        activation='prelu',
        drop_unit='sample',
        num_dummies=45,
    ),
    data_preprocessor=dict(type='MomentDataPreprocessor'),
    projector=dict(type='LinearProjector', num_layers=2, input_dropout=0.5, modality=dict(type='ModalityEmbedding')),
    encoder=dict(
        type='DummyTokenEncoder',
        # The text stacks are outside of what the official code initialises and configures: 8 heads and a dropout of 0.1
        # whatever the options say.
        layers=dict(
            type='TransformerEncoder',
            num_layers=2,
            layer=dict(type='EncoderLayer', num_heads=8, dropout=0.1),
            init='default',
        ),
        encoder=dict(
            type='AlignmentTokenEncoder',
            moment_layers=dict(type='TransformerEncoder', num_layers=1, layer=dict(type='EncoderLayer')),
            sentence_layers=dict(
                type='TransformerEncoder',
                num_layers=1,
                layer=dict(type='EncoderLayer', num_heads=8, dropout=0.1),
                init='default',
            ),
            encoder=dict(
                type='NegativePairEncoder',
                sampler=dict(type='RollNegativeSampler'),
                encoder=dict(
                    type='PromptTokenEncoder',
                    num_prompts=10,
                    num_selected=1,
                    fusion=dict(
                        type='AdaptiveCrossFusion',
                        num_layers=2,
                        layer=dict(type='CrossEncoderLayer', cross_attn=dict(type='AdaptiveCrossAttention')),
                    ),
                    layers=dict(type='TransformerEncoder', num_layers=3, layer=dict(type='EncoderLayer')),
                ),
            ),
        ),
    ),
    query_initializer=dict(type='LearnedAnchorQueryInitializer', num_queries=10),
    decoder=dict(
        type='TransformerDecoder',
        num_layers=3,
        position=dict(type='AnchorQueryPosition'),
        refiner=dict(type='AnchorRefiner'),
        layer=dict(
            type='DecoderLayer',
            self_attn=dict(type='ConditionalSelfAttention'),
            cross_attn=dict(type='ConditionalCrossAttention'),
        ),
        first_layer=dict(cross_attn=dict(add_query_pos=True)),
    ),
    moment_head=dict(type='MomentHead', span=dict(type='AnchorSpanHead'), logits=dict(type='ForegroundHead')),
    saliency_head=dict(type='TokenSaliencyHead'),
    criterion=dict(
        type='MomentCriterion',
        assigner=dict(
            type='HungarianAssigner',
            costs=dict(
                span=dict(type='SpanL1Cost', weight=10.0),
                giou=dict(type='SpanGIoUCost', weight=1.0),
                label=dict(type='ForegroundCost', weight=4.0),
            ),
        ),
        losses=dict(
            span=dict(type='SpanL1Loss', weight=10.0),
            giou=dict(type='SpanGIoULoss', weight=1.0),
            label=dict(type='ForegroundLoss', weight=4.0, background_weight=0.1),
            saliency_margin=dict(type='SaliencyMarginLoss', weight=1.0, margin=0.2),
            saliency_rank=dict(type='SaliencyRankLoss', weight=1.0),
            saliency_negative=dict(type='SaliencyNegativeLoss', weight=1.0),
            attention_margin=dict(type='SaliencyMarginLoss', weight=1.0, margin=0.2, scores='attention'),
            attention_rank=dict(type='SaliencyRankLoss', weight=1.0, scores='attention'),
            attention_negative=dict(type='SaliencyNegativeLoss', weight=1.0, scores='attention'),
            attention_clip=dict(type='ClipAttentionLoss', weight=1.0),
            moment_sentence=dict(type='MomentSentenceLoss', weight=1.0),
            moment_dummy=dict(type='MomentDummyLoss', weight=1.0),
            moment_clip=dict(type='MomentClipLoss', weight=1.0),
            distill=dict(type='AttentionDistillLoss', weight=1.0),
            orthogonal_dummies=dict(type='OrthogonalTokenLoss', weight=1.0, tokens='dummies'),
            orthogonal_prompts=dict(type='OrthogonalTokenLoss', weight=1.0, tokens='prompts'),
        ),
    ),
    postprocessor=dict(type='MomentPostProcessor', score='foreground'),
)
