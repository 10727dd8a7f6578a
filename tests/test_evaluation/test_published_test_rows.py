"""Published predictions of test splits, scored here, give what papers and official evaluators print."""

import json

import pytest

from mmvmr.evaluation.functional import evaluate_predictions
from mmvmr.utils.io import read_jsonl

SUBMISSIONS = ('cg_detr_test', 'tr_detr_test')


def need(path):
    if not path.is_file():
        pytest.skip(f'{path.name} absent')
    return path


@pytest.mark.parametrize('name', SUBMISSIONS)
def test_qvhighlights_test_rows(name, shared_dir):
    """The row of the paper, to the digit; the ground truth is public since the test server closed."""
    folder = shared_dir / 'data/predictions'
    predictions = need(folder / f'{name}.qvhighlights_test.jsonl')
    rows = json.loads(need(folder / 'published_test_rows.json').read_text())
    truth = need(shared_dir / 'data/annotations/qvhighlights/highlight_test_with_gt.jsonl')
    brief = evaluate_predictions(read_jsonl(predictions), read_jsonl(truth))['brief']
    keys = ('MR-full-R1@0.5', 'MR-full-R1@0.7', 'MR-full-mAP@0.5', 'MR-full-mAP@0.75', 'MR-full-mAP')
    keys += ('HL-min-VeryGood-mAP', 'HL-min-VeryGood-Hit1')
    assert [brief[key] for key in keys] == rows[predictions.name]


def test_nlq_table(shared_dir):
    """Rank@1, @3 and @5 of the official Ego4D evaluator, over the queries that have predictions."""
    folder = shared_dir / 'data/annotations/nlq'
    table = json.loads(need(folder / 'official_table.json').read_text())
    predictions = json.loads(need(folder / table['predictions']).read_text())['results']
    found = [
        {
            'qid': f'{p["annotation_uid"]}_{p["query_idx"]}',
            'pred_relevant_windows': [[*w, 1 - i / 10] for i, w in enumerate(p['predicted_times'])],
        }
        for p in predictions
    ]
    truth = {}
    for video in json.loads(need(folder / table['ground_truth']).read_text())['videos']:
        for clip in video['clips']:
            for annotation in clip['annotations']:
                for index, query in enumerate(annotation['language_queries']):
                    qid = f'{annotation["annotation_uid"]}_{index}'
                    window = [query['clip_start_sec'], query['clip_end_sec']]
                    truth[qid] = {'qid': qid, 'query': query.get('query') or '-', 'vid': clip['clip_uid'],
                                  'duration': clip['clip_end_sec'], 'relevant_windows': [window]}  # fmt: skip
    asked = [truth[one['qid']] for one in found]
    assert table['evaluated'].startswith(f'{len(asked)} of {len(truth)} ')
    brief = evaluate_predictions(found, asked, protocol='nlq')['brief']
    for rank in (1, 3, 5):
        official = table[f'Rank@{rank}']
        assert {t: brief[f'MR-full-R{rank}@{t}'] for t in official} == official
    assert brief['MR-full-mIoU'] == table['mIoU']
