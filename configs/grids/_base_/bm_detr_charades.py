# What the tables of the BM-DETR paper on Charades-STA have in common. The test split is the one that the checkpoint is
# chosen on, as in the official script.
base = 'bm_detr/bm_detr_charades.py'
source = 'the BM-DETR paper'
seeds = [0, 1, 2018]
# Negatives are mined before the first training. Rows without negative queries have the same annotations.
options = {'train_dataloader.dataset.ann_file': 'charades_train_negatives.jsonl'}


def _mine(train):
    tool = 'dataset_converters/mine_negative_queries.py'
    return [tool, f'{{data_root}}/{train}', '{out}', '--model', 'sentence-transformers/all-MiniLM-L6-v2']


prepare = {
    'charades_train_negatives.jsonl': _mine('charades_train_release.jsonl'),
    'tacos_train_negatives.jsonl': _mine('tacos_train_release.jsonl'),
    'activitynet_train_negatives.jsonl': _mine('activitynet_train_release.jsonl'),
    'train_negatives.jsonl': _mine('train.jsonl'),
}
metrics = {'R1@0.5': 'MR-full-R1@0.5', 'R1@0.7': 'MR-full-R1@0.7'}
