# VDI on Charades-CG (compositional splits of Li et al., CVPR 2022), tested on sentences with words that training has not
# seen: the split of the ablations. Files: tagged/train.jsonl, test_trivial.jsonl (like training), novel_word.jsonl.
_base_ = ['./vdi_charades.py']
data_root = 'data/charades_cg'

train_dataloader = dict(dataset=dict(data_root=data_root, ann_file='tagged/train.jsonl'))
val_dataloader = dict(dataset=dict(data_root=data_root, ann_file='test_trivial.jsonl'))
test_dataloader = dict(dataset=dict(data_root=data_root, ann_file='novel_word.jsonl'))
