"""Small random predictions and annotations, full of the cases that differ between evaluators."""

import random


def _window(rng, duration):
    start, end = sorted(rng.sample(range(0, duration + 1, 2), 2))
    return [start, end]


def random_rows(seed, count=40):
    """Rows with ties in score and in IoU, repeated windows, empty predictions, short and long saliency."""
    rng = random.Random(seed)
    annotations, predictions = [], []
    for qid in range(count):
        duration = rng.choice([20, 30, 62, 150])
        clips = duration // 2
        relevant = sorted(rng.sample(range(clips), rng.randint(0, clips)))
        windows = [_window(rng, duration) for _ in range(rng.choice([1, 1, 1, 2, 3, 6]))]
        annotations.append(
            {
                'qid': qid,
                'duration': duration,
                'relevant_windows': windows,
                'relevant_clip_ids': relevant,
                'saliency_scores': [[rng.randint(0, 4) for _ in range(3)] for _ in relevant],
            }
        )
        preds = [[*_window(rng, duration), rng.choice([-0.3, 0.1, 0.9])] for _ in range(rng.choice([0, 1, 5, 10, 13]))]
        preds += [[*rng.choice(windows), rng.choice([-0.3, 0.1, 0.9])] for _ in range(rng.randint(0, 3))]
        preds += [[4, 4, 0.5]] * rng.randint(0, 1)  # rounding to clips makes windows without length
        rng.shuffle(preds)
        scores = [rng.choice([-1.5, -1.0, 0.0, 0.25, 2.0]) for _ in range(max(1, clips + rng.choice([-3, 0, 0, 4])))]
        predictions.append(
            {
                'qid': qid,
                'query': 'q',
                'vid': 'v',
                'pred_relevant_windows': preds,
                'pred_saliency_scores': scores,
            }
        )
    return predictions, annotations
