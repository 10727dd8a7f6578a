# 100 epochs at a constant rate (SA-DETR on Charades-STA with VGG features).
_base_ = ['./schedule_200e.py']
train_cfg = dict(max_epochs=100)
