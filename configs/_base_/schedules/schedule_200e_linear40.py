# SA-DETR on QVHighlights: constant for 40 epochs, then linearly to 0 at the end of the last one.
_base_ = ['./schedule_200e.py']
train_cfg = dict(val_interval=1)
param_scheduler = dict(
    _delete_=True,
    type='LinearLR',
    start_factor=1.0,
    end_factor=0.0,
    begin=40,
    end=200,
    by_epoch=True,
    convert_to_iter_based=True,
)
