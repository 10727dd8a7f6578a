# TD-DETR on Charades-STA exactly as the official code runs it (see td_detr_official_qvhl.py): clips labelled on the grid
# of the features, near duplicates of a video left out as partners.
_base_ = [
    '../_base_/models/td_detr_official.py',
    '../_base_/datasets/charades_sta.py',
    '../_base_/schedules/schedule_100e_constant2.py',
    '../_base_/default_runtime.py',
]
custom_imports = dict(imports=['mmvmr.official_td_detr'])
model = dict(
    encoder=dict(encoder=dict(fusion=dict(num_layers=3), layers=dict(num_layers=3))),
    decoder=dict(num_layers=3),
    criterion=dict(
        losses=dict(
            saliency_margin=dict(weight=4.0),
            saliency_rank=dict(weight=4.0),
            saliency_negative=dict(weight=4.0),
        )
    ),
    postprocessor=dict(round_to=1.0),
)
train_dataloader = dict(
    batch_sampler=dict(type='PairBatchSampler', strategy='sim', max_similarity=0.9),
    dataset=dict(
        _delete_=True,
        type='PairedDataset',
        dataset=_base_.train_dataloader.dataset,
        changes=dict(pipeline=dict(targets=dict(grid='clip_len', short='preceding', beyond='keep', labelled='first'))),
        pair=dict(type='SynthesizePair', alpha=0.7),
    ),
)
val_dataloader = dict(batch_size=100)
test_dataloader = dict(batch_size=100)
