# Other readings of what the paper leaves open; see the table in the README of VDI.
_base_ = ['./_base_/vdi_charades_cg.py']
name = 'vdi_choices'
title = 'VDI, choices that are not in the paper (Charades-CG, novel words)'

_context, _dynamics = (f'model.criterion.losses.{name}' for name in ('visual_context', 'spatial_dynamic'))
_split = 'train_dataloader.dataset.pipeline.augment.roles.split'
rows = dict(
    default=dict(label='as in vdi_charades_cg.py'),
    whole_video=dict(label='context of the whole video', options={f'{_context}.where': 'video'}),
    mean_context=dict(label='a softer choice of frames', options={f'{_context}.temperature': 0.1}),
    unprojected=dict(
        label='context and words compared without projections', options={f'{_context}.projection': 'none'}
    ),
    squared=dict(label='squared distance of unit vectors in L_vc', options={f'{_context}.distance': 'mse'}),
    divergence=dict(label='KL divergence of similarities in L_sd', options={f'{_dynamics}.distance': 'kl'}),
    softmax_maps=dict(label='response maps by softmax', options={f'{_dynamics}.response': 'softmax'}),
    gru=dict(label='GRU over response maps', options={f'{_dynamics}.encoder': dict(type='ResponseGRU')}),
    verbs_alone=dict(label='verbs without particles and adverbs', options={f'{_split}.attached': ()}),
    auxiliaries=dict(label='auxiliary verbs are words of change, too', options={f'{_split}.dynamic': ('VERB', 'AUX')}),
    nouns_alone=dict(label='nouns without adjectives', options={f'{_split}.static': ('NOUN', 'PROPN')}),
)
