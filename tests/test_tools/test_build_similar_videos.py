"""The index of similar videos, from a config to partners."""

import numpy as np
import pytest
from run_helpers import REPO, run_tool

from mmvmr.datasets import SimilarVideos
from mmvmr.datasets.samplers.similarity import TopClipSimilarity
from mmvmr.official_td_detr.pair_sampler import similarity_matrix
from mmvmr.registry import DATASETS
from mmvmr.utils.cli import load_config
from mmvmr.utils.setup import register_all_modules

TOOL = 'analysis_tools/build_similar_videos.py'
CONFIG = REPO / 'configs' / 'sa_detr' / 'sa_detr_synthetic.py'
SMALL = ['--cfg-options', 'train_dataloader.dataset.num_videos=12']


def test_from_the_train_data_of_a_config(tmp_path):
    out = tmp_path / 'new' / 'similar.npz'
    text = run_tool(TOOL, CONFIG, '--out', out, '--top-k', 5, '--least', 2, '--memory', '16MB', *SMALL)
    assert '12 videos, up to 5 others each' in text
    assert [path.name for path in out.parent.iterdir()] == ['similar.npz']
    index = SimilarVideos.load(out)
    assert index.options['measure'] == 'top_clips'

    register_all_modules()
    dataset = DATASETS.build(dict(load_config(str(CONFIG)).train_dataloader.dataset, num_videos=12))
    index.check((row['vid'] for row in dataset.rows), dataset.feature_spec)
    first = {row['vid']: i for i, row in reversed(list(enumerate(dataset.rows)))}
    assert sorted(first) == sorted(index.vids)
    videos = [dataset.loaded(first[vid])['video_feat'] for vid in index.vids]
    expected = similarity_matrix(videos, TopClipSimilarity(1))
    np.fill_diagonal(expected, -1)
    np.testing.assert_allclose(index.similarities, -np.sort(-expected)[:, :5], atol=2e-6)
    assert len(index.dissimilar(index.vids[0])) == 2


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--memory', 'much'], "'much' is not an amount of memory"),
        (['--memory', '1KB'], 'raise --memory'),
        (['--search', 'faiss'], 'it needs the measure pooled'),
        (['--search', 'faiss', '--measure', 'pooled', '--least', '3'], 'faiss finds similar videos only'),
        (['--top-k', '0'], '--top-k 0: expected a positive number'),
    ],
)
def test_mistakes_are_one_line(tmp_path, options, message):
    if 'faiss' in options:
        pytest.importorskip('faiss')
    text = run_tool(TOOL, CONFIG, '--out', tmp_path / 'a.npz', *options, *SMALL, check=2)
    assert message in text
    assert 'Traceback' not in text
    assert not (tmp_path / 'a.npz').exists()
