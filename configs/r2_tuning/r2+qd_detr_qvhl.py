# The R2 block in the place of QD-DETR's fusion: its encoder and decoder on clips that four layers of CLIP have refined. Our
# composition; the schedule is that of QD-DETR.
_base_ = [
    '../_base_/models/qd_detr.py',
    '../_base_/datasets/qvhl_clip_layers.py',
    '../_base_/schedules/schedule_200e.py',
    '../_base_/default_runtime.py',
]
_fusion = dict(_delete_=True, type='RecurrentLayerFusion', layer=dict(type='RefinementLayer'))
model = dict(
    shared=dict(feature_layers=4, frame_tokens=50),
    projector=dict(_delete_=True, type='LayerProjector', input_dropout=0.5),
    encoder=dict(encoder=dict(fusion=_fusion)),
)
