"""Components for mmvmr from another package; importing it registers them."""

from .drop_words import DropWords
from .edge_error import EdgeErrorMetric
from .gate_component import GateComponent
from .gated_encoder import GatedMeanEncoder

__all__ = ['DropWords', 'EdgeErrorMetric', 'GateComponent', 'GatedMeanEncoder']
