# UniVTG on QVHighlights: the rate rises over ten epochs, then a tenth every 80 epochs.
_base_ = ['./schedule_200e.py']
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end_factor=1.0, begin=0, end=10, by_epoch=True),
    dict(type='MultiStepLR', milestones=[80, 160], gamma=0.1, by_epoch=True),
]
