# CG-DETR (Moon et al., 2023, arXiv 2311.08835): dummy tokens that absorb attention, prompts for the saliency token,
# moment and sentence tokens that teach the cross-attention. Losses of the official code: loss_saliency = saliency_* +
# attention_*, loss_ms_align = moment_*, loss_orthogonal_dummy = orthogonal_*; a data set's config sets the weights.
_base_ = ['./dab_detr.py']
stack = dict(type='TransformerEncoder', num_layers=1, layer=dict(type='EncoderLayer'))
# Outside of what the official code initialises and configures: 8 heads and a dropout of 0.1 whatever the options say.
text_stack = dict(stack, init='default', layer=dict(type='EncoderLayer', num_heads=8, dropout=0.1))

model = dict(
    shared=dict(drop_unit='sample', num_dummies=45),
    projector=dict(modality=dict(type='ModalityEmbedding')),
    encoder=dict(
        type='DummyTokenEncoder',
        layers=dict(text_stack, num_layers=2),
        encoder=dict(
            type='AlignmentTokenEncoder',
            moment_layers=stack,
            sentence_layers=text_stack,
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
                    layers=dict(stack, num_layers=3),
                ),
            ),
        ),
    ),
    decoder=dict(num_layers=3),
    criterion=dict(
        losses=dict(
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
        )
    ),
)
del stack, text_stack  # only names of this file
