# What the components of the three papers do to a model that finds the moment: QD-DETR with similarity as a stream and as
# anchors. `sa.anchors` is left out, since both say where the queries start.
_base_ = ['./_base_/joined.py']
name = 'evidence_joined_components'
title = 'Components on QD-DETR that receives similarity, on joined videos'
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
_sim = ['sim.stream', 'sim.anchors']
rows = dict(
    qd_both=dict(label='QD-DETR + similarity', components=_sim),
    dynamics=dict(label='+ TD-DETR: temporal dynamics', components=[*_sim, 'td.dynamics']),
    synthesizer=dict(label='+ TD-DETR: synthesizer', components=[*_sim, 'td.synthesizer']),
    negative=dict(label='+ BM-DETR: negative query', components=[*_sim, 'bm.negative_query']),
    shift=dict(label='+ BM-DETR: temporal shifting', components=[*_sim, 'bm.temporal_shift']),
    gaussian=dict(label='+ SA-DETR: Gaussian mask', components=[*_sim, 'sa.gaussian']),
    noise=dict(label='+ SA-DETR: noise queries', components=[*_sim, 'sa.noise']),
)
