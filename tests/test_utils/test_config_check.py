"""Mistyped keys and types are found before anything is built."""

import copy

import pytest
from mmengine.config import Config

from mmvmr.registry import MODELS
from mmvmr.utils.cli import UserError, load_config
from mmvmr.utils.config import read_config
from mmvmr.utils.config_check import ConfigKeyError, accepted_keys, check_config, named_arguments


@pytest.fixture(scope='module')
def qvhl():
    return read_config('sa_detr_qvhl').to_dict()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'model.shared.embed_dim': 128}, r'model\.shared\.embed_dim: .*`embed_dims`'),
        ({'model.encoder.encoder.global_block.layer.dropuot': 0.2}, r'layer\.dropuot: no argument of EncoderLayer'),
        ({'model.decodr': {'type': 'TransformerDecoder'}}, r'model\.decodr: no argument of MomentDetector.*`decoder`'),
        ({'model.decoder.type': 'TransformerDecodr'}, r"decoder\.type='TransformerDecodr' .*`TransformerDecoder`"),
        ({'model.criterion.losses.span.wieght': 1}, r'losses\.span\.wieght: no argument of SpanL1Loss.*`weight`'),
        ({'model.criterion.assigner.costs.giou.wieght': 1}, r'costs\.giou\.wieght.*`weight`'),
        ({'env_cfg.cudnn_benchmrk': True}, r'env_cfg\.cudnn_benchmrk: .*`cudnn_benchmark`'),
        ({'env_cfg.mp_cfg.start_method': 'fork'}, r'env_cfg\.mp_cfg\.start_method'),
        ({'randomness.sed': 1}, r'randomness\.sed: .*`seed`'),
        ({'optim_wraper': {}}, r'optim_wraper: nothing uses this top-level key.*`optim_wrapper`'),
        ({'optim_wrapper.optimizer.type': 'Adamm'}, r"optimizer\.type='Adamm' is no registered optimizer.*`Adam`"),
        ({'optim_wrapper.optimizer.learning_rate': 0.1}, r'optimizer\.learning_rate: no argument of AdamW'),
        ({'optim_wrapper.clip_grad.max_norm': -1}, r'clip_grad\.max_norm is -1, expected more than 0'),
        ({'optim_wrapper.clip_grad.max_norm': 0}, r'clip_grad\.max_norm is 0, expected more than 0'),
        ({'optim_wrapper.accumulative_counts': 0}, r'accumulative_counts is 0, expected at least 1'),
        ({'optim_wrapper.clip_grad.max_nrm': 0.1}, r'clip_grad\.max_nrm: .*`max_norm`'),
        ({'optim_wrapper.paramwise_cfg': {'custom_key': {}}}, r'paramwise_cfg\.custom_key: .*`custom_keys`'),
        ({'param_scheduler.ends': 3}, r'param_scheduler\.ends: no argument of LinearLR.*`end`'),
        ({'default_hooks.checkpoint.intervals': 5}, r'\.intervals: no argument of SafeCheckpointHook.*`interval`'),
        ({'default_hooks.logger.type': 'LogerHook'}, r"logger\.type='LogerHook' is no registered hook.*`LoggerHook`"),
        ({'train_cfg.max_epoch': 5}, r'train_cfg\.max_epoch: no argument of ResumableTrainLoop.*`max_epochs`'),
        ({'train_dataloader.batchsize': 5}, r'train_dataloader\.batchsize: .*`batch_size`'),
        ({'train_dataloader.sampler.shufle': True}, r'sampler\.shufle: .*`shuffle`'),
        ({'train_dataloader.dataset.ann_fil': 'x'}, r'dataset\.ann_fil: .*`ann_file`'),
        ({'train_dataloader.dataset.pipeline.targets.max_window': 5}, r'max_window: .*`max_windows`'),
        ({'val_dataloader.dataset.stores.clip.foldr': 'x'}, r'clip\.foldr: no argument of FolderStore.*`folder`'),
        ({'visualizer.vis_backend': 1}, r'visualizer\.vis_backend: .*`vis_backends`'),
        ({'model.postprocessor.nms': {'_delete_': True, 'type': 'SoftNMS'}}, r'nms\._delete_ replaces nothing'),
    ],
)  # fmt: skip
def test_mistakes(qvhl, options, message):
    cfg = copy.deepcopy(qvhl)
    for key, value in options.items():
        *parents, last = key.split('.')
        node = cfg
        for name in parents:
            node = node[name]
        node[last] = value
    with pytest.raises(ConfigKeyError, match=message):
        check_config(Config(cfg))


def test_load_config_tells_path_and_every_mistake(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text("_base_ = ['mmvmr::sa_detr/sa_detr_qvhl.py']\nrandomnes = 1\nmodel = dict(shared=dict(drop=1))\n")
    with pytest.raises(UserError, match=r'mine\.py: randomnes: .*`randomness`.*; model\.shared\.drop'):
        load_config(str(path))


def test_evaluators_are_lists(qvhl):
    cfg = copy.deepcopy(qvhl)
    cfg['val_evaluator'][0]['protocoll'] = 'qvhighlights'
    with pytest.raises(ConfigKeyError, match=r'val_evaluator\.0\.protocoll: .*`protocol`'):
        check_config(Config(cfg))


def test_what_cannot_be_known_passes():
    @MODELS.register_module(name='AnyArguments')
    class AnyArguments:
        def __init__(self, **kwargs):
            self.kwargs = kwargs

    class Child(AnyArguments):
        def __init__(self, own, **kwargs):
            super().__init__(**kwargs)

    try:
        check_config(Config(dict(model=dict(type='AnyArguments', whatever=1))))
        assert accepted_keys(AnyArguments) is accepted_keys(Child) is None
    finally:
        MODELS.module_dict.pop('AnyArguments')


@pytest.mark.parametrize(
    ('removed', 'message'),
    [
        ('projector.video_dims', r'model.projector needs `video_dims`.*--cfg-options model.projector.video_dims=\.'),
        ('shared.embed_dims', r'model.projector needs `embed_dims`.*, or for all parts as model.shared.embed_dims'),
    ],
)
def test_missing_arguments_are_named_with_their_path(qvhl, removed, message):
    cfg = Config(copy.deepcopy(qvhl))
    part, key = removed.split('.')
    del cfg.model[part][key]
    check_config(cfg)  # a parent could give it
    with pytest.raises(ConfigKeyError, match=message), named_arguments(cfg):
        MODELS.build(cfg.model)


def test_errors_of_other_code_pass(qvhl):
    def broken(needed):
        return needed

    with pytest.raises(TypeError, match='broken'), named_arguments(Config(qvhl)):
        broken()


def test_a_block_of_the_first_layer_alone_takes_no_options_of_the_others(repo_dir):
    cfg = read_config(repo_dir / 'configs/eatr/eatr_qvhl.py')
    cfg.model.decoder.layer.enhance = dict(type='SpanEnhance', num_points=10)  # GatedFusion in the first layer
    check_config(cfg)
    cfg.model.decoder.first_layer.cross_attn.add_query_poss = True
    with pytest.raises(ConfigKeyError, match='add_query_poss: no argument of ConditionalCrossAttention'):
        check_config(cfg)


def test_arguments_that_are_handed_on_next_to_others_are_checked(repo_dir):
    cfg = read_config(repo_dir / 'configs/snag/snag_clip_charades.py')
    cfg.model.criterion.losses.foreground.update(wieght=1, gamma=-1)  # super().__init__(**{'sets': (...), **kwargs})
    with pytest.raises(
        ConfigKeyError, match=r'wieght: no argument of PointFocalLoss; did you mean `weight`.*gamma is -1'
    ):
        check_config(cfg)
