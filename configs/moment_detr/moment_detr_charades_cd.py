# Moment-DETR on Charades-CD (I3D), with which BM-DETR's table 6 compares; its recipe is not printed: that of
# Charades-STA. Tested on test_iid; on test_ood: --cfg-options test_dataloader.dataset.ann_file=test_ood.jsonl
_base_ = [
    '../_base_/models/moment_detr.py',
    '../_base_/datasets/charades_cd.py',
    '../_base_/schedules/schedule_100e_step40.py',
    '../_base_/default_runtime.py',
]
model = dict(
    criterion=dict(losses=dict(saliency_margin=dict(weight=4.0))),
    postprocessor=dict(round_to=1.0),
)
