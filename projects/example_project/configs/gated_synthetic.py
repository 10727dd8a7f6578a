# Encoder, augmentation and metric of this package on the embedded data; everything else is that of QD-DETR.
_base_ = [
    'mmvmr::_base_/models/qd_detr.py',
    'mmvmr::_base_/datasets/synthetic.py',
    'mmvmr::_base_/schedules/schedule_quick.py',
    'mmvmr::_base_/default_runtime.py',
]
custom_imports = dict(imports=['example_project'])
model = dict(
    shared=dict(embed_dims=128, ffn_dims=256),
    projector=dict(input_dropout=0.1),
    encoder=dict(
        _delete_=True,
        type='GatedMeanEncoder',
        layers=dict(type='TransformerEncoder', num_layers=2, layer=dict(type='EncoderLayer')),
    ),
    # It encodes no negative sentences, so that there is nothing for this loss.
    criterion=dict(losses=dict(saliency_negative=None)),
)
train_dataloader = dict(dataset=dict(pipeline=dict(augment=dict(words=dict(type='DropWords', probability=0.1)))))
# Evaluators are lists: name the whole list again.
val_evaluator = [dict(type='MomentRetrievalMetric', protocol='qvhighlights'), dict(type='EdgeErrorMetric')]
test_evaluator = val_evaluator
