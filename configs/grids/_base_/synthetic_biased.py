# SyntheticMoments with scenes that go with objects and early moments that are asked for more often; `test_ood` reverses
# both, so that a model that uses only the context or the position is worse there.
base = 'qd_detr/qd_detr_synthetic_biased.py'
options = {'default_hooks.checkpoint.max_keep_ckpts': 1}
splits = dict(test={}, ood={'test_dataloader.dataset.split': 'test_ood'})
robustness = ['--splits', 'test', '--probes', 'plain', 'spurious_zero', '--quiet']
metrics = {
    'R1@0.5': 'MR-full-R1@0.5',
    'R1@0.7': 'MR-full-R1@0.7',
    'mIoU': 'MR-full-mIoU',
    'mAP': 'MR-full-mAP',
    'Spurious mAP': 'robustness/test/spurious_zero/mAP',
    'mAP / Spurious mAP': 'robustness/test/spurious_zero/ratio',
    'ood R1@0.5': 'ood/MR-full-R1@0.5',
    'ood R1@0.7': 'ood/MR-full-R1@0.7',
    'ood mIoU': 'ood/MR-full-mIoU',
    'ood mAP': 'ood/MR-full-mAP',
}
