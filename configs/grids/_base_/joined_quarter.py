# A quarter of the width and twelve epochs, so that a cell takes minutes on a busy CPU.
_base_ = ['./joined.py']
options = {
    'model.shared.embed_dims': 64,
    'model.shared.num_heads': 4,
    'model.shared.ffn_dims': 128,
    'optim_wrapper.optimizer.lr': 1e-3,
    'train_cfg.max_epochs': 12,
    'train_cfg.val_interval': 12,
    'param_scheduler.begin': 8,
    'param_scheduler.end': 12,
}
