# Small data on a CPU: 45 epochs, a tenth of the learning rate from epoch 40.
_base_ = ['./schedule_200e.py']
train_cfg = dict(max_epochs=45)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
param_scheduler = dict(milestones=[40])
