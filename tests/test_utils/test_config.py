"""Reading configs: names, private helpers, and the features that reach data sets and projector."""

import pytest
from mmengine.config import Config

from mmvmr.utils.cli import UserError, apply_options, load_config
from mmvmr.utils.config import find_config, read_config, resolve_features, separate_features, shipped_configs
from mmvmr.utils.paths import configs_dir

QVHL = 'qd_detr/qd_detr_qvhl.py'


def child(folder, text, base=f'mmvmr::{QVHL}', name='child.py'):
    path = folder / name
    path.write_text(f'_base_ = [{base!r}]\n{text}')
    return path


def spec(cfg, split='train'):
    return cfg[f'{split}_dataloader'].dataset.feature_spec


@pytest.mark.parametrize('name', ['qd_detr_qvhl', 'qd_detr_qvhl.py', QVHL, f'mmvmr::{QVHL}', configs_dir() / QVHL])
def test_find_config(name):
    assert find_config(name) == configs_dir() / QVHL


def test_a_miss_gives_near_names():
    with pytest.raises(UserError, match=r'config qd_detr_qvh: no such file.*near names.*qd_detr_qvhl'):
        load_config('qd_detr_qvh')


def test_names_of_shipped_configs_are_unique():
    files = [p for p in configs_dir().rglob('*.py') if p.relative_to(configs_dir()).parts[0] not in ('_base_', 'grids')]
    assert len(shipped_configs()) == len([p for p in files if p.parent.name != 'features'])


def test_base_of_the_package_in_a_foreign_folder(tmp_path):
    cfg = Config.fromfile(child(tmp_path, 'train_cfg = dict(max_epochs=3)'))
    assert cfg.train_cfg.max_epochs == 3
    assert cfg.model.to_dict() == read_config(QVHL).model.to_dict()


def test_private_names_are_dropped_before_they_merge(tmp_path):
    middle = child(tmp_path, "_loss = dict(_delete_=True, type='SpanL1Loss', weight=3.0)\n", name='middle.py')
    text = (
        "_loss = dict(_delete_=True, type='SpanL1Loss', weight=2.0)\n"
        'model = dict(criterion=dict(losses=dict(span=_loss)))\n'
    )
    cfg = read_config(child(tmp_path, text, base=middle.name))
    assert cfg.model.criterion.losses.span.to_dict() == {'type': 'SpanL1Loss', 'weight': 2.0}
    assert not [key for key in cfg if key.startswith('_')]


def test_a_stream_is_added_in_one_place(tmp_path):
    text = (
        'feature_spec = dict(streams=dict(pann=dict(dim=10)))\n'
        "stores = dict(pann=dict(type='FolderStore', folder='pann', template='{vid}.npy'))\n"
    )
    cfg = read_config(child(tmp_path, text))
    assert cfg.model.projector.video_dims == 2304 + 512 + 10 + 2
    assert cfg.model.projector.text_dims == 512
    for split in ('train', 'val', 'test'):
        assert list(spec(cfg, split).streams) == ['slowfast', 'clip', 'pann']
        assert cfg[f'{split}_dataloader'].dataset.stores.pann.folder == 'pann'


def test_a_stream_is_removed_and_tef_switched_off(tmp_path):
    text = 'feature_spec = dict(streams=dict(slowfast=None), tef=False)\n'
    assert read_config(child(tmp_path, text)).model.projector.video_dims == 512


def test_a_data_set_has_the_last_word(tmp_path):
    text = (
        'train_dataloader = dict(dataset=dict(feature_spec=dict(clip_len=1.0)))\n'
        'val_dataloader = dict(dataset=dict(feature_spec=dict(_delete_=True, clip_len=3.0)))\n'
    )
    cfg = read_config(child(tmp_path, text))
    assert spec(cfg).to_dict() == {**cfg.feature_spec.to_dict(), 'clip_len': 1.0}
    assert spec(cfg, 'val').to_dict() == {'clip_len': 3.0}


@pytest.mark.parametrize(
    ('key', 'width', 'made'),
    [('video_dims', 2816, '2818 .slowfast 2304 . clip 512 . tef 2.'), ('text_dims', 300, '512')],
)
def test_a_width_that_contradicts_the_features(tmp_path, key, width, made):
    path = child(tmp_path, f'model = dict(projector=dict({key}={width}))')
    with pytest.raises(UserError, match=rf'model.projector.{key} is {width}, but feature_spec makes {made}'):
        load_config(path)


def test_the_message_names_the_data_set_that_differs(tmp_path):
    text = (
        'model = dict(projector=dict(video_dims=2818))\n'
        'train_dataloader = dict(dataset=dict(feature_spec=dict(streams=dict(clip=None))))\n'
    )
    with pytest.raises(UserError, match=r'train_dataloader.dataset.feature_spec makes 2306'):
        load_config(child(tmp_path, text))


def test_options_reach_every_place():
    cfg = load_config('qd_detr_qvhl', {'feature_spec.streams.clip.dim': 768, 'stores.clip.folder': 'large'})
    assert cfg.model.projector.video_dims == 2304 + 768 + 2
    assert spec(cfg, 'test').streams.clip.dim == 768
    assert cfg.val_dataloader.dataset.stores.clip.folder == 'large'
    apply_options(cfg, {'feature_spec.tef': False})  # a resolved config, as those of grids are
    assert cfg.model.projector.video_dims == 2304 + 768
    with pytest.raises(UserError, match=r'model.projector.video_dims is 7, but feature_spec makes'):
        apply_options(cfg, {'model.projector.video_dims': 7})


def test_generated_features_follow_or_decide():
    cfg = load_config('sa_detr_synthetic', {'feature_spec.text.dim': 20})
    assert cfg.val_dataloader.dataset.text_dim == cfg.model.projector.text_dims == 20
    cfg = load_config('sa_detr_synthetic', {'train_dataloader.dataset.video_dim': 8})
    assert cfg.model.projector.video_dims == 8 + 2


def test_maps_of_streams(tmp_path):
    """Streams of 2304 and 512 channels and text of 512: the first, a named one, others than those of one stream."""
    text = """
feature_spec = dict(text=dict(dim=300))
_map = dict(type='SimilarityMap')
model = dict(
    existence_head=dict(type='ExistenceHead', similarity=_map),
    encoder=dict(named=[dict(_map, stream='clip')], both=dict(_map, channels=(0, 2816))),
    criterion=dict(scenes=dict(type='SceneSegmentation', stream='clip')),
)
"""
    cfg = read_config(child(tmp_path, text))
    first, named, both = cfg.model.existence_head.similarity, cfg.model.encoder.named[0], cfg.model.encoder.both
    assert first.to_dict() == {'type': 'SimilarityMap', 'channels': (0, 2304), 'text_dims': 300}
    assert named.channels == (2304, 2816) and both.channels == (0, 2816) and both.text_dims == 300
    assert cfg.model.criterion.scenes.channels == (2304, 2816) and 'text_dims' not in cfg.model.criterion.scenes
    apply_options(cfg, {'feature_spec.streams.slowfast.dim': 100, 'feature_spec.text.dim': 5})
    first, named, both = cfg.model.existence_head.similarity, cfg.model.encoder.named[0], cfg.model.encoder.both
    assert (first.channels, named.channels, both.channels) == ((0, 100), (100, 612), (0, 2816))
    assert first.text_dims == named.text_dims == 5
    with pytest.raises(UserError, match=r'model\.encoder\.both\.text_dims is 7, but feature_spec makes 5'):
        apply_options(cfg, {'model.encoder.both.text_dims': 7})


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ("stream='clap'", r"similarity\.stream is 'clap', but feature_spec has the streams slowfast, clip: name one"),
        (
            "stream='clip', channels=(0, 512)",
            r'similarity\.channels is \(0, 512\), but feature_spec makes \(2304, 2816\)',
        ),
        ('text_dims=300', r'similarity\.text_dims is 300, but feature_spec makes 512'),
    ],
)
def test_maps_that_contradict_the_features(tmp_path, options, message):
    similarity = f"dict(type='SimilarityMap', {options})"
    path = child(tmp_path, f"model = dict(existence_head=dict(type='ExistenceHead', similarity={similarity}))")
    with pytest.raises(UserError, match=rf'model\.existence_head\.{message}'):
        load_config(path)


@pytest.mark.parametrize(
    'name',
    ['td_detr_official_tacos', 'uvcom_audio_qvhl', 'qvhl_subtitles', 'sa_detr_synthetic', 'fitted_msrvtt_joined'],
)
def test_separate_is_the_inverse_of_resolve(name):
    cfg = read_config('_base_/datasets/qvhl_subtitles.py' if name == 'qvhl_subtitles' else name)
    before = cfg.to_dict()
    separate_features(cfg)
    assert cfg.to_dict() != before or name == 'qvhl_subtitles'
    resolve_features(cfg)
    assert cfg.to_dict() == before
