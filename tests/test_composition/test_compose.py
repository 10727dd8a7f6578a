"""Components are found, ordered and refused; the components of SA-DETR make SA-DETR."""

from itertools import permutations

import pytest
from mmengine.config import Config
from run_helpers import REPO

from mmvmr.composition import (
    AlreadyThereError,
    Component,
    CompositionError,
    component_help,
    component_names,
    component_options,
    compose,
    find_component,
)
from mmvmr.grids.cells import row_config
from mmvmr.grids.grid import load_grid
from mmvmr.registry import COMPONENTS

NAMES = component_names()  # before tests register others
CONFIGS = REPO / 'configs'
QD = CONFIGS / 'qd_detr' / 'qd_detr_qvhl.py'
SA = CONFIGS / 'sa_detr'
SA_PARTS = ['sa.anchors', 'sa.init_loss', 'sa.noise', 'sa.gaussian', 'sa.enhance', 'sa.alignment']


def test_the_components_of_sa_detr_make_sa_detr():
    table_4 = load_grid(CONFIGS / 'grids' / 'sa_detr_components.py')
    made = compose(row_config(table_4, 'a'), SA_PARTS)
    assert made.to_dict() == Config.fromfile(SA / 'sa_detr_qvhl.py').to_dict()


@pytest.mark.parametrize(
    ('parts', 'name'),
    [(['sa.anchors', 'sa.init_loss'], 'dynamic_anchor'), (['sa.anchors', 'sa.init_loss', 'sa.gaussian'], 'gaussian')],
)
def test_table_11_of_sa_detr_is_a_composition(parts, name):
    assert compose(QD, parts).to_dict() == Config.fromfile(QD.with_name(f'qd_detr_{name}_qvhl.py')).to_dict()


@pytest.mark.parametrize(
    ('base', 'made', 'index'),
    [
        ('qd_detr/qd_detr_clip_charades', 'td_detr/td+qd_detr_clip_charades', None),
        ('cg_detr/cg_detr_qvhl', 'td_detr/td+cg_detr_qvhl', 'similar_videos.npz'),
        ('bam_detr/bam_detr_qvhl', 'td_detr/td+bam_detr_qvhl', 'similar_videos.npz'),
        ('snag/snag_charades', 'td_detr/td+snag_charades', 'similar_videos.npz'),
    ],
)
def test_td_configs_are_compositions(base, made, index):
    options = {} if index is None else {'td.synthesizer.index': index}
    cfg = compose(CONFIGS / f'{base}.py', ['td.synthesizer', 'td.dynamics'], options)
    assert cfg.to_dict() == Config.fromfile(CONFIGS / f'{made}.py').to_dict()


def test_the_components_of_bm_detr_make_bm_detr():
    wanted = Config.fromfile(CONFIGS / 'bm_detr' / 'bm_detr_charades.py')
    detr = Config.fromfile(CONFIGS / 'moment_detr' / 'moment_detr_qvhl.py').model
    base = Config(wanted.to_dict())
    base.model.encoder = base.model.encoder.encoder
    base.model.query_initializer = detr.query_initializer
    base.model.decoder = dict(detr.decoder, num_layers=3)
    base.model.moment_head.span = detr.moment_head.span
    for name in ('frame_guidance', 'alignment'):
        del base.model.criterion.losses[name]
    base.train_dataloader.dataset.pipeline.augment = {}
    found = compose(
        base,
        [f'bm.{name}' for name in ('negative_query', 'learnable_spans', 'alignment', 'temporal_shift')],
        {'bm.negative_query.attention': 'one'},
    )
    assert without_none(found.to_dict()) == without_none(wanted.to_dict())


def without_none(value):
    if isinstance(value, dict):
        return {key: without_none(part) for key, part in value.items() if part is not None}
    return value


def test_weighted_views_name_the_new_one():
    base = Config.fromfile(QD)
    assert 'view_weights' not in compose(base, ['td.synthesizer']).model.criterion
    base.model.criterion.view_weights = dict(main=0.5, shift=0.25)
    assert compose(base, ['td.synthesizer', 'bm.temporal_shift']).model.criterion.view_weights == dict(
        main=0.5, shift=0.25, synthesis=0.5
    )


def test_order_does_not_matter():
    parts = ['bm.negative_query', 'sa.noise', 'sa.init_loss', 'sa.anchors', 'bm.temporal_shift']
    texts = {str(compose(QD, order).to_dict()) for order in list(permutations(parts))[::7]}
    assert len(texts) == 1


def test_the_base_is_not_changed():
    base = Config.fromfile(QD)
    before = base.to_dict()
    first = compose(base, ['sa.anchors'])
    assert base.to_dict() == before
    first.model.query_initializer.num_queries = 99
    assert compose(base, ['sa.anchors']).model.query_initializer.num_queries == 10


def test_negatives_are_drawn_before_views_are_made():
    cfg = compose(QD, ['td.synthesizer', 'bm.temporal_shift', 'bm.negative_query'])
    assert list(cfg.train_dataloader.dataset.pipeline.augment) == ['negative', 'shift', 'synthesis']
    assert not cfg.val_dataloader.dataset.pipeline.augment


def test_span_losses_follow_those_of_the_model():
    base = Config.fromfile(QD)
    base.model.criterion.losses.span.weight = 1.0
    base.model.criterion.losses.giou.weight = 10.0
    found = compose(base, ['sa.anchors', 'sa.init_loss', 'sa.noise']).model.criterion.losses
    assert [found[f'{name}_{kind}'].weight for name in ('init', 'noise') for kind in ('span', 'giou')] == [1, 10] * 2


def test_span_losses_of_further_sets_apply_to_all_their_layers():
    """BM-DETR has losses on its final layer alone, which only the queries that predict have."""
    base = CONFIGS / 'bm_detr' / 'bm_detr_charades.py'
    made = compose(base, ['sa.anchors', 'sa.init_loss', 'sa.noise']).model.criterion.losses
    assert made.span.final_only
    for name in ('init_span', 'init_giou', 'noise_span', 'noise_giou'):
        assert 'final_only' not in made[name]


def test_losses_on_predicted_anchors_go_with_them():
    made = compose(SA / 'sa_detr_qvhl.py', ['sim.anchors']).model.criterion.losses
    assert made.init_span is None and made.init_giou is None and made.noise_span is not None


@pytest.mark.parametrize(
    'options',
    [
        {'td.dynamics.beta': 0.5, 'sa.noise.num_groups': 2},
        {'td.dynamics': {'beta': 0.5}, 'sa.noise': {'num_groups': 2}},
    ],
)
def test_options(options):
    cfg = compose(QD, ['td.dynamics', 'sa.noise'], options)
    assert cfg.model.encoder.encoder.fusion.beta == 0.5
    assert cfg.model.query_initializer.noise.num_groups == 2


def base_of(name):
    """A shipped config that a component goes onto."""
    if name == 'bm.learnable_spans':
        return REPO / 'configs' / 'moment_detr' / 'moment_detr_qvhl.py'
    return REPO / 'configs' / 'univtg' / 'univtg_qvhl.py' if name.startswith('flash.') else QD


def test_every_option_changes_the_config():
    samples = {bool: True, int: 3, float: 0.25, tuple: (2.0, 9.0)}
    named = {
        'contrastive': 'none',
        'center_noise': 'width',
        'mode': 'log',
        'strategy': 'dissimilar',
        'index': 'similar.npz',
        'missing': 'none',
        'empty': 'other_video',
        'attention': 'one',
        'decoder_reads': 'plain',
        'video_text': 'after',
        'clip_text': None,
        'max_duration': None,
        'stream': 'clip',
        'source': 'clips',
        'pool': 'mean',
        'kind': 'cca',
        'similarity': None,
        'foreground': False,
        'background': False,
        'similar': False,
    }
    for name in NAMES:
        kind = find_component(name)
        parts = [name, *kind.needs]
        fixed = {f'{name}.source': 'queries'} if name == 'gmr.existence' else {}  # a head in closed form has no loss
        plain = compose(base_of(name), parts, fixed).to_dict()
        for option, default in component_options(kind).items():
            value = named[option] if option in named else samples[type(default)]
            if option == 'detach':
                value = True
            options = {**fixed, f'{name}.{option}': value}
            assert compose(base_of(name), parts, options).to_dict() != plain, f'{name}.{option}'


#: Base, components, options that would change nothing there, and why.
IDLE = [
    ('univtg/univtg_qvhl', 'bm.negative_query', {'decoder_reads': 'plain'}, 'points are predicted from the weighted'),
    ('mmn/mmn_clip_charades', 'gmr.existence', {'pool': 'mean'}, "with source='similarity' the head pools nothing"),
    ('mmn/mmn_clip_charades', 'gmr.existence', {'weight': 2.0}, 'looks at the similarity only is not trained'),
    ('qd_detr/qd_detr_qvhl', 'gmr.existence', {'source': 'token', 'pool': 'mean'}, 'the head pools nothing'),
    ('qd_detr/qd_detr_qvhl', 'gmr.existence', {'similarity': None, 'penalty': 1.0}, 'there is no map to fit'),
    ('qd_detr/qd_detr_qvhl', 'sim.stream', {'kind': 'given', 'penalty': 1.0}, "with kind='given' no map is fitted"),
    ('qd_detr/qd_detr_qvhl', 'sa.noise', {'contrastive': 'none', 'margin': 0.1}, 'there are no negatives'),
    ('qd_detr/qd_detr_qvhl', 'la.moment_mix', {'foreground': False, 'piece': 5.0}, 'no moment is cut'),
    ('qd_detr/qd_detr_qvhl', 'la.moment_mix', {'background': False, 'shortest': 5.0}, 'no surroundings are exchanged'),
    ('snag/snag_charades', 'sa.alignment', {'clip_text': 'before'}, 'have the width of sentences only after'),
    ('tr_detr/tr_detr_qvhl', 'sa.alignment', {'video_text': None}, 'has L_vtc already'),
]


@pytest.mark.parametrize(('base', 'part', 'options', 'reason'), IDLE)
def test_options_that_would_change_nothing(base, part, options, reason):
    with pytest.raises(CompositionError) as caught:
        compose(CONFIGS / f'{base}.py', [part], {part: options})
    option = list(options)[-1]
    assert str(caught.value).startswith(f'{part}: {option}={options[option]!r} would change nothing: ')
    assert reason in str(caught.value)


def test_one_map_of_similarity():
    """The second component on it follows the first one; other options of its own are refused."""
    parts, first = ['sim.stream', 'sim.anchors'], {'sim.stream.kind': 'cca', 'sim.stream.penalty': 9.0}
    assert compose(QD, parts, first).model.encoder.encoder.similarity.kind == 'cca'
    both = {'sim.anchors.kind': 'cca', 'sim.anchors.penalty': 9.0}
    assert compose(QD, parts, {**first, **both}).to_dict() == compose(QD, parts, first).to_dict()
    with pytest.raises(CompositionError, match=r"sim\.anchors: kind='cca', penalty=9.0 would change nothing: the map"):
        compose(QD, parts, both)


@pytest.mark.parametrize(
    ('parts', 'options', 'message'),
    [
        (['sa.gausian'], {}, 'no component `sa.gausian`; did you mean `sa.gaussian`'),
        (['sa.noise', 'sa.noise'], {}, 'given more than once: sa.noise'),
        (['sa.anchors', 'bm.learnable_spans'], {}, 'bm.learnable_spans and sa.anchors do not go together: both say'),
        (['sa.noise'], {'sa.noise.num_group': 2}, 'sa.noise has no option `num_group`; did you mean `num_groups`'),
        (['sa.noise'], {'td.dynamics.beta': 2}, 'option `td.dynamics.beta` belongs to none of the components sa.noise'),
        (['td.synthesizer'], {'td.synthesizer.strategy': 'best'}, "td.synthesizer: strategy='best' is unknown"),
    ],
)
def test_mistakes(parts, options, message):
    with pytest.raises(CompositionError) as caught:
        compose(QD, parts, options)
    assert message in str(caught.value)


def test_layers_take_the_place_of_the_features():
    cfg = compose(QD, ['r2.refinement'])
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        spec, stores = loader.dataset.feature_spec, loader.dataset.stores
        assert list(spec.streams) == ['clip_layers'] and set(stores) == {'clip_layers', 'text'}
        assert (spec.streams.clip_layers.dim, spec.text.dim, spec.max_clips) == (4 * 50 * 768, 4 * 512, 75)
    assert (cfg.model.projector.video_dims, cfg.model.projector.text_dims) == (4 * 50 * 768 + 2, 4 * 512)
    assert cfg.extraction == 'clip_b32_layers_2s'
    negatives = cfg.model.encoder
    assert (negatives.type, negatives.encoder.type) == ('NegativePairEncoder', 'FusionEncoder')
    assert negatives.encoder.encoder == Config.fromfile(QD).model.encoder.encoder
    small = compose(QD, ['r2.refinement'], {'r2.refinement': dict(layers=2, tokens=1, channels=10, text_channels=3)})
    assert (small.model.projector.video_dims, small.model.projector.text_dims) == (22, 6)


def test_twice_in_two_steps_is_twice():
    for name in NAMES:
        parts = [name, *find_component(name).needs]
        with pytest.raises(AlreadyThereError, match='already'):
            compose(compose(base_of(name), parts), parts)


def test_a_config_without_what_a_component_changes():
    base = Config.fromfile(QD)
    base.train_dataloader = {}
    with pytest.raises(CompositionError, match=r'bm\.temporal_shift: train_dataloader\.dataset\.pipeline is missing'):
        compose(base, ['bm.temporal_shift'])
    base.model.criterion.losses.span = None
    with pytest.raises(CompositionError, match=r'sa\.noise: model\.criterion\.losses\.span'):
        compose(base, ['sa.noise'])
    del base.model.decoder
    with pytest.raises(CompositionError, match=r'sa\.gaussian: the config lacks what it changes .*decoder'):
        compose(base, ['sa.gaussian'])
    base.model.encoder = dict(type='DummyTokenEncoder')
    with pytest.raises(CompositionError, match=r'td\.dynamics: DummyTokenEncoder has no slot `fusion`'):
        compose(base, ['td.dynamics'])


#: Why components make no sense on MMN.
REASONS = {
    'bm.alignment': 'this model is trained by a contrast of moments and sentences over the batch already',
    'sa.alignment': 'this model is trained by a contrast of moments and sentences over the batch already',
    'bm.negative_query': 'this model compares moments with sentences at its end',
    'la.length_weight': 'this model scores fixed candidates',
    **{f'flash.{name}': 'this model scores fixed candidates' for name in ('layering', 'score', 'clip_score')},
    'r2.refinement': 'this model averages clips before they meet a sentence',
    'sim.stream': 'this model compares moments with sentences at its end',
    'td.dynamics': 'clips and text tokens of this model never attend to each other',
    'causal.front_door': 'sentences reach the text encoder of this model as token numbers',
    'causal.relevance': 'clips and text tokens of this model never attend to each other: side by side',
}


def test_detectors_of_other_kinds_take_views_alone():
    base = CONFIGS / 'mmn' / 'mmn_charades.py'
    taken = set()
    for name in NAMES:
        try:
            compose(base, [name])
            taken.add(name)
        except CompositionError as error:
            reason = REASONS.get(name, 'it fills slots of a MomentDetector, but the model is a ProposalMapDetector')
            assert str(error).startswith(f'{name}: {reason}')
    assert taken == {'td.synthesizer', 'bm.temporal_shift', 'gmr.existence', 'gmr.false_premise', 'la.moment_mix'}
    with pytest.raises(CompositionError, match='the config has no `model`'):
        compose(Config({'a': 1}), ['sa.noise'])


def test_prototypes_of_words_that_no_text_encoder_changes():
    base = Config.fromfile(CONFIGS / 'mmn' / 'mmn_charades.py')
    base.model.projector.update(text_encoder=None, text_dims=768)
    for node in (base, *(base[f'{split}_dataloader'].dataset for split in ('train', 'val', 'test'))):
        node.feature_spec.text.dim = 768
    projector = compose(base, ['causal.front_door']).model.projector
    assert (projector.text_embed_dims, projector.text_dims, projector.endpoint_dims) == (768, 768, 0)
    assert projector.projector.text_dims == 768  # as the outer one
    projector = compose(QD, ['causal.front_door'], {'causal.front_door.num_prototypes': 64}).model.projector
    assert (projector.video_dims, projector.num_prototypes) == (2818, 64)
    assert 'endpoint_dims' not in projector and 'text_embed_dims' not in projector


def test_no_prototypes_of_layers():
    with pytest.raises(CompositionError, match=r'causal\.front_door: this model refines clips with several layers'):
        compose(CONFIGS / 'r2_tuning' / 'r2_tuning_qvhl.py', ['causal.front_door'])
    with pytest.raises(CompositionError, match=r'r2\.refinement: clips of this model attend to prototypes of videos'):
        compose(CONFIGS / 'causal_vtg' / 'causal_vtg_qvhl.py', ['r2.refinement'])


def test_similarities_belong_to_the_videos_that_sentences_are_encoded_with():
    encoder = compose(CONFIGS / 'moment_detr' / 'moment_detr_qvhl.py', ['sim.stream', 'causal.relevance']).model.encoder
    assert (encoder.type, encoder.encoder.type) == ('MismatchedVideoEncoder', 'SimilarityEncoder')


def test_one_head_for_the_existence_of_moments():
    with pytest.raises(CompositionError, match='do not go together: both are the head'):
        compose(QD, ['gmr.existence', 'gmr.false_premise', 'causal.relevance'])
    cfg = compose(QD, ['gmr.existence', 'gmr.false_premise'])
    with pytest.raises(AlreadyThereError, match=r'causal\.relevance: model\.existence_head is a ExistenceHead already'):
        compose(cfg, ['causal.relevance'])


def test_short_moments_weigh_more_in_every_loss_on_spans():
    cfg = compose(CONFIGS / 'sa_detr' / 'sa_detr_qvhl.py', ['la.length_weight'], {'la.length_weight.extra': 0.5})
    weighed = {name for name, loss in cfg.model.criterion.losses.items() if 'pair_weight' in loss}
    assert weighed == {'span', 'giou', 'init_span', 'init_giou', 'noise_span', 'noise_giou'}
    # 60 s are 30 clips of QVHighlights.
    assert cfg.model.criterion.losses.giou.pair_weight == dict(type='ShortMomentWeight', sigma=30.0, extra=0.5)
    with pytest.raises(AlreadyThereError, match='weight their pairs already'):
        compose(cfg, ['la.length_weight'])
    cfg.model.criterion.losses = dict(label=dict(type='ForegroundLoss'))
    with pytest.raises(CompositionError, match='no loss on matched spans'):
        compose(cfg, ['la.length_weight'])


def test_every_component_says_what_it_is():
    for name in NAMES:
        kind = find_component(name)
        assert component_help(kind).endswith('.')
        assert len(component_help(kind)) < 100
        assert kind.source
        assert kind.slots
        for option in component_options(kind):
            assert f'{option}: ' in kind.__doc__, f'{name}.{option}'
        for other in (*kind.excludes, *kind.needs):
            find_component(other)


@pytest.fixture
def _extra():
    @COMPONENTS.register_module('test.depth')
    class Depth(Component):
        """Another depth."""

        def __init__(self, num_layers=7):
            self.num_layers = num_layers

        def apply(self, cfg):
            cfg.model.decoder.num_layers = self.num_layers

    yield
    COMPONENTS.module_dict.pop('test.depth')


@pytest.mark.usefixtures('_extra')
def test_a_component_of_another_package():
    assert compose(QD, ['test.depth', 'sa.noise']).model.decoder.num_layers == 7
    assert compose(QD, ['test.depth'], {'test.depth.num_layers': 5}).model.decoder.num_layers == 5


def test_components_that_would_do_nothing_are_refused():
    for option in ('sa.noise.num_groups', 'sa.enhance.num_points'):
        name = option.rpartition('.')[0]
        with pytest.raises(CompositionError, match=rf'^{option} is 0, expected at least 1'):
            compose(QD, [name], {option: 0})


def test_composed_clips_keep_their_size():
    assert compose(QD, ['bm.negative_query']).model.encoder.attention == 'clips'
    options = {'bm.negative_query': dict(attention='one', decoder_reads='plain')}
    encoder = compose(QD, ['bm.negative_query'], options).model.encoder
    assert 'attention' not in encoder and encoder.decoder_reads == 'plain'


def test_components_that_the_base_has_are_left_out_with_a_line():
    lines = []
    cfg = compose(SA / 'sa_detr_qvhl.py', ['sa.noise', 'td.dynamics'], skip=lines.append)
    assert lines == ['sa.noise is left out: this model has noise queries already']
    assert cfg.to_dict() == compose(SA / 'sa_detr_qvhl.py', ['td.dynamics']).to_dict()


COMPONENT = """
from mmvmr.composition import Component
from mmvmr.registry import COMPONENTS


@COMPONENTS.register_module('{name}.layers')
class Layers(Component):
    def apply(self, cfg):
        cfg.model.decoder.num_layers = 7
"""


def external(folder, name, monkeypatch):
    (folder / f'{name}.py').write_text(COMPONENT.format(name=name))
    monkeypatch.syspath_prepend(str(folder))


def test_the_imports_of_the_base_come_first(tmp_path, monkeypatch):
    external(tmp_path, 'of_base', monkeypatch)
    path = tmp_path / 'base.py'
    path.write_text(f"_base_ = ['{QD.as_posix()}']\ncustom_imports = dict(imports=['of_base'])\n")
    assert compose(path, ['of_base.layers']).model.decoder.num_layers == 7


def test_components_of_installed_packages_are_found(tmp_path, monkeypatch):
    with pytest.raises(CompositionError, match='need --import-module PACKAGE'):
        compose(QD, ['of_entry.layers'])
    external(tmp_path, 'of_entry', monkeypatch)
    info = tmp_path / 'of_entry-1.0.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Name: of-entry\nVersion: 1.0\n')
    (info / 'entry_points.txt').write_text('[mmvmr.components]\nextra = of_entry\n')
    assert compose(QD, ['of_entry.layers']).model.decoder.num_layers == 7
    (info / 'entry_points.txt').write_text('[mmvmr.components]\nextra = of_nothing\n')
    with pytest.raises(CompositionError, match=r'`extra = of_nothing` of mmvmr.components: ModuleNotFoundError'):
        compose(QD, ['sa.noise'])
