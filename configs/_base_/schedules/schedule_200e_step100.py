# UVCOM on QVHighlights: a tenth after epoch 100.
_base_ = ['./schedule_200e.py']
param_scheduler = dict(milestones=[100])
