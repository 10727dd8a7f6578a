# UniVTG on TVSum (I3D), one model per domain: --cfg-options domain=BT.
# No official script: that of QVHighlights.
_base_ = [
    '../_base_/models/univtg_highlights.py',
    '../_base_/datasets/tvsum.py',
    '../_base_/schedules/schedule_200e_warmup10_step80.py',
    '../_base_/default_runtime.py',
]
default_hooks = dict(checkpoint=dict(save_best='HL-mAP'))
find_unused_parameters = True
