"""Registries of mmvmr: one child of every mmengine root, all in the scope ``mmvmr``.

mmengine allows one child registry per kind and scope, so everything that is an ``nn.Module`` lives in
:data:`MODELS` and is told apart by its suffix (``*Fusion``, ``*Encoder``, ``*QueryInitializer``, ``*Decoder``,
``*Head``, ``*Loss``); assigners, match costs, partner samplers and span coders live in :data:`TASK_UTILS`.
Child registries exist even where mmvmr registers nothing: without them mmengine warns on every look-up.
"""

from typing import Any

from mmengine import registry as _root

_SCOPE = 'mmvmr'


def _child(kind: str, parent: _root.Registry, *locations: str, **options: Any) -> _root.Registry:
    return _root.Registry(kind, parent=parent, scope=_SCOPE, locations=list(locations), **options)


RUNNERS = _child('runner', _root.RUNNERS)
RUNNER_CONSTRUCTORS = _child('runner constructor', _root.RUNNER_CONSTRUCTORS)
LOOPS = _child('loop', _root.LOOPS, 'mmvmr.engine')
HOOKS = _child('hook', _root.HOOKS, 'mmvmr.engine')
LOG_PROCESSORS = _child('log processor', _root.LOG_PROCESSORS)
STRATEGIES = _child('strategy', _root.STRATEGIES)
OPTIMIZERS = _child('optimizer', _root.OPTIMIZERS)
OPTIM_WRAPPERS = _child('optim wrapper', _root.OPTIM_WRAPPERS, 'mmvmr.engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child('optim wrapper constructor', _root.OPTIM_WRAPPER_CONSTRUCTORS, 'mmvmr.engine')
PARAM_SCHEDULERS = _child('parameter scheduler', _root.PARAM_SCHEDULERS, 'mmvmr.engine')

DATASETS = _child('dataset', _root.DATASETS, 'mmvmr.datasets')
DATA_SAMPLERS = _child('data sampler', _root.DATA_SAMPLERS, 'mmvmr.datasets')
TRANSFORMS = _child('transform', _root.TRANSFORMS, 'mmvmr.datasets.transforms')
FUNCTIONS = _child('function', _root.FUNCTIONS, 'mmvmr.datasets')

# That of mmengine imports everything that trains, for lists of modules, which no slot takes.
MODELS = _child('model', _root.MODELS, 'mmvmr.models', build_func=_root.build_from_cfg)
MODEL_WRAPPERS = _child('model wrapper', _root.MODEL_WRAPPERS)
WEIGHT_INITIALIZERS = _child('weight initializer', _root.WEIGHT_INITIALIZERS, 'mmvmr.models')
TASK_UTILS = _child('task util', _root.TASK_UTILS, 'mmvmr.models')

METRICS = _child('metric', _root.METRICS, 'mmvmr.evaluation.metrics')
EVALUATORS = _child('evaluator', _root.EVALUATOR)
INFERENCERS = _child('inferencer', _root.INFERENCERS, 'mmvmr.apis')
VISUALIZERS = _child('visualizer', _root.VISUALIZERS, 'mmvmr.visualization')
VISBACKENDS = _child('vis_backend', _root.VISBACKENDS, 'mmvmr.visualization')

# mmengine knows nothing like it: rewriters of configs (see mmvmr.composition).
COMPONENTS = _root.Registry('component', scope=_SCOPE, locations=['mmvmr.composition'])
# Nor like these: what makes features from videos and sentences (see mmvmr.features).
EXTRACTORS = _root.Registry('extractor', scope=_SCOPE, locations=['mmvmr.features.extractors'])
# What ranks predicted moments anew (see mmvmr.search.rerank).
SCORERS = _root.Registry('scorer', scope=_SCOPE, locations=['mmvmr.search'])
