"""Models: detectors and the components that fill their slots."""

from .criterion import MomentCriterion
from .data_preprocessor import MomentDataPreprocessor
from .decoders import *  # noqa: F403
from .detectors import *  # noqa: F403
from .encoders import *  # noqa: F403
from .fusions import *  # noqa: F403
from .heads import *  # noqa: F403
from .layers import *  # noqa: F403
from .losses import *  # noqa: F403
from .point_postprocessor import PointPostProcessor
from .postprocessor import MomentPostProcessor
from .projectors import *  # noqa: F403
from .query_initializers import *  # noqa: F403
from .task_modules import *  # noqa: F403

__all__ = ['MomentCriterion', 'MomentDataPreprocessor', 'MomentPostProcessor', 'PointPostProcessor']
