# Ego4D natural language queries: SlowFast + CLIP at 2 s, CLIP text (features of the UniVTG authors, whose text files are
# named {qid}.npz). Video 2816 + 2, text 512. Many moments are shorter than a clip: they are widened to one.
# Another place for the data: --cfg-options data_root=/path (tools push it into every data loader).
_base_ = ['./moments.py', './slowfast_clip.py']
data_root = 'data/ego4d_nlq'

stores = dict(
    slowfast=dict(folder='vid_slowfast'),
    clip=dict(folder='vid_clip'),
    text=dict(folder='txt_clip', template='{qid}.npz'),
)
_dataset = dict(
    data_root=data_root,
    annotations=dict(outside='clip'),  # some end past their clip
    pipeline=dict(targets=dict(min_window=2.0)),
)
train_dataloader = dict(dataset=dict(_dataset, ann_file='nlq_train.jsonl'))
val_dataloader = dict(dataset=dict(_dataset, ann_file='nlq_val.jsonl'))
test_dataloader = val_dataloader

val_evaluator = [dict(type='MomentRetrievalMetric', protocol='nlq')]
test_evaluator = val_evaluator
