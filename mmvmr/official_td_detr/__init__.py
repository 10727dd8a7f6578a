"""Data of the official TD-DETR code with its bugs, for its reproduction only: its configs import this by name."""

from mmvmr.official_td_detr.pair_sampler import PairBatchSampler
from mmvmr.official_td_detr.pair_synthesis import SynthesizePair
from mmvmr.official_td_detr.paired_dataset import PairedDataset

__all__ = ['PairBatchSampler', 'PairedDataset', 'SynthesizePair']
