# MMN (Wang et al., AAAI 2022): a map of candidate moments, compared with sentences in two joint spaces; mutual matching.
# Sizes are those of Charades-STA; words are features (DistilBERT's last hidden state) unless a text encoder is set.
model = dict(
    type='ProposalMapDetector',
    shared=dict(embed_dims=512, joint_dims=256, word_dims=768, num_clips=16),
    data_preprocessor=dict(type='MomentDataPreprocessor'),
    projector=dict(type='ClipPoolProjector', num_parts=32),
    encoder=dict(
        type='ProposalMapEncoder',
        map=dict(type='SparseMaxMap', counts=(15,)),
        sentence=dict(type='JointSentenceEncoder', pool='mean'),
        num_layers=8,
        kernel_size=5,
    ),
    moment_head=dict(type='ProposalHead', power=0.5),
    criterion=dict(
        type='MomentCriterion',
        losses=dict(
            iou=dict(type='ProposalIoULoss', weight=1.0, min_iou=0.5, max_iou=1.0),
            vid=dict(type='MomentToSentenceLoss', weight=0.05, margin=0.4, late_epoch=7),
            sent=dict(type='SentenceToMomentLoss', weight=0.05, margin=0.4, late_epoch=7),
        ),
    ),
    # Windows are rounded after suppression: cells of a map overlap by exactly the threshold.
    postprocessor=dict(
        type='MomentPostProcessor',
        score='quality',
        decimals=None,
        nms=dict(type='HardNMS', threshold=0.5, max_predictions=10),
    ),
)
