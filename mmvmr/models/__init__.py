"""Models: detectors and the components that fill their slots."""

import mmvmr.utils.config  # noqa: F401  (configs that name these components are read with it)
from mmvmr.models.criterion import MomentCriterion
from mmvmr.models.data_preprocessor import MomentDataPreprocessor
from mmvmr.models.decoders import *  # noqa: F403
from mmvmr.models.detectors import *  # noqa: F403
from mmvmr.models.encoders import *  # noqa: F403
from mmvmr.models.fusions import *  # noqa: F403
from mmvmr.models.heads import *  # noqa: F403
from mmvmr.models.initialization import PretrainedInit
from mmvmr.models.layers import *  # noqa: F403
from mmvmr.models.losses import *  # noqa: F403
from mmvmr.models.point_postprocessor import PointPostProcessor
from mmvmr.models.postprocessor import MomentPostProcessor
from mmvmr.models.projectors import *  # noqa: F403
from mmvmr.models.query_initializers import *  # noqa: F403
from mmvmr.models.similarity import *  # noqa: F403
from mmvmr.models.task_modules import *  # noqa: F403

__all__ = ['MomentCriterion', 'MomentDataPreprocessor', 'MomentPostProcessor', 'PointPostProcessor', 'PretrainedInit']
