# The figure of the paper has no numbers; it says that five are best.
_base_ = ['./_base_/sa_detr_qvhl.py']
name = 'sa_detr_noise_groups'
title = 'SA-DETR, figure 6: number of noise groups (QVHighlights val)'
rows = {
    f'groups{count}': dict(
        label=f'{count} groups', options={} if count == 5 else {'model.query_initializer.noise.num_groups': count}
    )
    for count in (2, 5, 8)
}
