# Charades-CG: the videos of Charades-STA, tested with new compositions of known words (novel_composition), with new words
# (novel_word) and as in training (test_trivial, which chooses the epoch: there is no validation split). Features as in
# charades_sta.py; sentences are named after their file: tools/dataset_converters/charades_cg.py. Video 2816 + 2, text 512.
# Its windows end past the video in part, so they are cut to it.
# Another split: --cfg-options test_dataloader.dataset.ann_file=novel_composition.jsonl
_base_ = ['./charades_sta.py']
data_root = 'data/charades_cg'

_dataset = dict(data_root=data_root, annotations=dict(outside='clip'))
train_dataloader = dict(dataset=dict(_dataset, ann_file='train.jsonl'))
val_dataloader = dict(dataset=dict(_dataset, ann_file='test_trivial.jsonl'))
test_dataloader = dict(dataset=dict(_dataset, ann_file='novel_word.jsonl'))

# What mmvmr robustness calls the splits, and those that it takes unasked.
robustness = dict(
    default=['test_trivial', 'novel_composition', 'novel_word'],
    splits=dict(
        test_trivial=dict(loader='test', ann_file='test_trivial.jsonl'),
        novel_composition=dict(loader='test', ann_file='novel_composition.jsonl'),
        novel_word=dict(loader='test', ann_file='novel_word.jsonl'),
    ),
)
