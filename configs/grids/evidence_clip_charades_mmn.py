# The best config on part of Charades-STA, three seeds.
_base_ = ['./methods_clip_charades.py']
name = 'evidence_clip_charades_mmn'
title = 'MMN on part of Charades-STA (CLIP features), twelve epochs'
base = 'mmvmr/mmn_12e_clip_charades.py'
seeds = [0, 1, 2]
options = {
    '_delete_': True,
    'default_hooks.checkpoint.save_best': None,
    'default_hooks.checkpoint.max_keep_ckpts': 1,
}
rows = dict(_delete_=True, mmn=dict(label='MMN'))
robustness = ['--splits', 'val', '--probes', 'plain', 'spurious_zero', '--quiet']
