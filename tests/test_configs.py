"""Every shipped config, shrunk: it builds, trains, predicts, and does not depend on the batch it runs in."""

import ast
import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from testing import extra_inputs, make_batch, shrink

import mmvmr.datasets
import mmvmr.evaluation.metrics
import mmvmr.models  # noqa: F401
from mmvmr.grids.cells import row_config
from mmvmr.grids.grid import load_grid
from mmvmr.registry import METRICS, MODELS
from mmvmr.utils.config import read_config, shipped_configs
from mmvmr.utils.config_check import check_config

ROOT = Path(__file__).resolve().parent.parent / 'configs'
#: Grids are made of configs, see test_experiments/test_shipped_grids.py; features: see test_features; baselines and
#: scenes are fitted, see test_models/test_similarity.py.
NO_CONFIGS = {'_base_', 'baselines', 'features', 'grids'}
CONFIGS = sorted(
    str(path.relative_to(ROOT))
    for path in ROOT.rglob('*.py')
    if not NO_CONFIGS & set(path.parts) and not path.name.startswith('scenes_')
)
#: Configs that reproduce published behaviour which depends on the batch.
BATCH_DEPENDENT = 'official'


@pytest.fixture(params=CONFIGS)
def cfg(request):
    return Config.fromfile(ROOT / request.param)


def _model(cfg):
    torch.manual_seed(0)
    return MODELS.build(shrink(cfg.model))


def _batch(cfg, **sizes):
    """A batch with what the training data of the config has beside clips and words."""
    return make_batch(**sizes, extras=extra_inputs(cfg))


def _highlights_only(cfg):
    return cfg.model.type != 'ProposalMapDetector' and cfg.model.criterion.get('assigner') is None


def _spans(outputs, row):
    """Predictions of a sample that exist: points on padding do not."""
    final = outputs.final
    return final.spans[row] if final.mask is None else final.spans[row][final.mask[row]]


def test_training_step(cfg):
    model = _model(cfg).train()
    batch = model.data_preprocessor(_batch(cfg), training=True)
    losses = model(**batch, mode='loss')
    assert losses
    assert all(torch.isfinite(value) for value in losses.values()), losses
    total = sum(losses.values())
    # Pooled alignment compares with other pairs only, so it alone may be negative.
    assert sum(value for name, value in losses.items() if name != 'loss_alignment').item() > 0
    total.backward()
    if not _highlights_only(cfg):  # there, nothing supervises the moment branch
        without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
        assert not without


@pytest.mark.slow
def test_no_ground_truth_in_the_batch(cfg):
    model = _model(cfg).train()
    batch = _batch(cfg, clips=(6, 4), words=(3, 2), moments=(0, 0))
    losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
    assert all(torch.isfinite(value) for value in losses.values()), losses


@pytest.mark.slow
def test_batch_of_one(cfg):
    model = _model(cfg).train()
    batch = _batch(cfg, clips=(6,), words=(3,), moments=(1,))
    losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
    assert all(torch.isfinite(value) for value in losses.values()), losses


def test_predictions(cfg):
    model = _model(cfg).eval()
    samples = model(**model.data_preprocessor(make_batch()), mode='predict')
    for sample in samples:
        windows, scores = sample.pred_instances.windows, sample.pred_instances.scores
        assert windows.shape == (len(scores), 2)
        assert len(scores) > 0 or sample.num_clips == 1  # points may find nothing in a single clip
        assert (scores.diff() <= 0).all()
        assert torch.isfinite(windows).all()
        if getattr(model, 'saliency_head', None) is not None:
            assert sample.pred_saliency.shape == (sample.num_clips,)


@pytest.mark.slow
def test_batch_invariance(cfg, request):
    if BATCH_DEPENDENT in request.node.callspec.params['cfg']:
        pytest.skip('reproduces published behaviour that depends on the batch')
    model = _model(cfg).eval()
    together = make_batch()
    with torch.no_grad():
        outputs = model(model.data_preprocessor(together)['inputs'])
        for row, length in enumerate(len(video) for video in together['inputs']['video']):
            inputs = {name: [features[row]] for name, features in together['inputs'].items()}
            alone = model(model.data_preprocessor({'inputs': inputs})['inputs'])
            torch.testing.assert_close(_spans(alone, 0), _spans(outputs, row), atol=1e-5, rtol=1e-4)
            if outputs.saliency is not None:
                torch.testing.assert_close(alone.saliency[0], outputs.saliency[row, :length], atol=1e-5, rtol=1e-4)
            if outputs.final.quality is not None:
                torch.testing.assert_close(alone.final.quality[0], outputs.final.quality[row], atol=1e-5, rtol=1e-4)


def test_complete(cfg):
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader', 'train_cfg', 'optim_wrapper', 'data_root'):
        assert key in cfg or (key == 'data_root' and 'Synthetic' in cfg.train_dataloader.dataset.type), key
    for evaluator in cfg.val_evaluator if isinstance(cfg.val_evaluator, list) else [cfg.val_evaluator]:
        METRICS.build(evaluator)
    spec = cfg.train_dataloader.dataset.get('feature_spec')
    if spec is not None and 'streams' in spec:
        dims = sum(stream['dim'] for stream in spec['streams'].values() if stream is not None)
        dims += 2 * spec.get('tef', True)
        assert cfg.model.projector.video_dims == dims
        assert cfg.model.projector.text_dims == spec['text']['dim']


def _bases(path):
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == '_base_':
            return [(path.parent / base).resolve() for base in ast.literal_eval(node.value)]
    return []


def _levels(path):
    return max((1 + _levels(base) for base in _bases(path)), default=0)


def test_a_leaf_is_short_and_its_bases_are_near():
    long = {name: n for name in CONFIGS if (n := len((ROOT / name).read_text().splitlines())) > 40}
    assert not long
    far = {name: n for name in CONFIGS if (n := _levels(ROOT / name)) > 3}
    assert not far


def test_a_model_file_shows_the_whole_architecture():
    """A variant changes a file that has no base itself."""
    assert {path.name for path in (ROOT / '_base_' / 'models').glob('*.py') if _levels(path) > 1} == set()


def test_private_names_instead_of_del():
    files = [path for path in ROOT.rglob('*.py') if re.search(r'^del ', path.read_text(), re.M)]
    assert not files
    widths = [name for name in CONFIGS if re.search(r'(video|text)_dims|channels=', (ROOT / name).read_text())]
    assert not widths  # feature_spec says them


@pytest.mark.parametrize('name', shipped_configs())
def test_every_key_means_something(name):
    check_config(read_config(name))


@pytest.mark.parametrize('path', sorted((ROOT / 'grids').glob('*.py')), ids=lambda path: path.stem)
def test_every_key_of_the_rows_means_something(path):
    grid = load_grid(path)
    for name in grid.rows:
        check_config(row_config(grid, name))


def test_the_tree_has_configs():
    assert len(CONFIGS) > 10
