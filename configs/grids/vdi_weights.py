_base_ = ['./_base_/vdi_charades_cg.py']
name = 'vdi_weights'
title = 'VDI, table 2: weights of the losses (Charades-CG, novel words)'


def _row(context, dynamics, r5, r7, miou):
    weights = {'visual_context': context, 'spatial_dynamic': dynamics}
    default = {'visual_context': 0.5, 'spatial_dynamic': 0.01}
    return dict(
        label=f'{context} / {dynamics}',
        options={f'model.criterion.losses.{k}.weight': v for k, v in weights.items() if v != default[k]},
        published={'R1@0.5': r5, 'R1@0.7': r7, 'mIoU': miou},
    )


# Keys: weight of visual context, of spatial dynamics. 0 / 0 is MMN.
rows = {
    'vc0_sd0': _row(0.0, 0.0, 43.85, 24.17, 39.50),
    'vc0.1_sd0': _row(0.1, 0.0, 44.04, 28.35, 41.42),
    'vc0.5_sd0': _row(0.5, 0.0, 45.47, 29.35, 40.61),
    'vc1_sd0': _row(1.0, 0.0, 42.45, 24.17, 38.70),
    'vc0_sd0.1': _row(0.0, 0.1, 44.70, 25.61, 39.70),
    'vc0_sd0.01': _row(0.0, 0.01, 44.60, 26.06, 40.09),
    'vc0_sd0.001': _row(0.0, 0.001, 43.60, 25.32, 39.19),
    'vc0.5_sd0.1': _row(0.5, 0.1, 45.18, 27.91, 41.05),
    'vc0.5_sd0.01': _row(0.5, 0.01, 46.47, 28.63, 41.60),
    'vc0.5_sd0.001': _row(0.5, 0.001, 45.47, 27.31, 41.28),
}
