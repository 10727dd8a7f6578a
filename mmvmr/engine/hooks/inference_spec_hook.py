"""Checkpoints that say everything a finder needs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from logging import Logger
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop

from mmvmr.engine.hooks.resume_hook import nested_datasets
from mmvmr.features.spec import ExtractionSpec, check_extraction
from mmvmr.features.spec_files import read_extraction_spec
from mmvmr.registry import HOOKS
from mmvmr.structures import FeatureSpec
from mmvmr.utils import check_choice
from mmvmr.utils.inference_meta import inference_dataset, inference_meta, plain
from mmvmr.utils.model_agreement import other_model


@HOOKS.register_module()
class InferenceSpecHook(Hook):
    """Stores model config, pipeline, feature specification and extraction in checkpoints, as plain Python.

    With it a checkpoint is enough to ask a video a question (:class:`mmvmr.apis.MomentFinder`): the top-level key
    ``extraction`` of the config says how features are made. It is the name of a file in ``configs/features`` or its
    content.

    Where weights are tested or a training is resumed, the model of the config is compared with that of the checkpoint:
    with another number of heads, say, or another reading of a mask, the weights fit and the figures are wrong. Losses,
    post-processing, dropout and what else changes nothing in trained weights may differ.

    Args:
        mismatch: ``error``, or ``warn`` to test weights in another model on purpose.
    """

    priority = 'NORMAL'

    def __init__(self, mismatch: str = 'error') -> None:
        self.mismatch = check_choice(self, 'mismatch', mismatch, ('error', 'warn'))

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare with the model of this run; ValueError if they differ and ``mismatch`` is ``error``.

        A training that starts from the weights (``load_from``) warns.
        """
        starts = isinstance(runner._train_loop, BaseLoop) and not runner._resume
        text = other_model(checkpoint, runner.cfg)
        if text is not None and self.mismatch == 'error' and not starts:
            raise ValueError(text)
        if text is not None:
            runner.logger.warning(text)

    def before_train(self, runner: Runner) -> None:
        """Read the specification, so that a mistake in it stops the run at its start.

        Raises:
            ValueError: If ``extraction`` is wrong. One that makes other features than the data set has is not
                stored, with a warning.
        """
        self._extraction = stated_extraction(runner.cfg, runner.logger)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Store the entry ``meta['inference']``; ``meta['model']`` where no data set has a feature specification."""
        dataset = inference_dataset(runner.cfg)
        if dataset is None:
            checkpoint['meta']['model'] = plain(runner.cfg.model)
            return
        name = runner.experiment_name.rsplit('_', 2)[0]
        longest = longest_video(runner.train_dataloader.dataset)
        checkpoint['meta']['inference'] = inference_meta(runner.cfg.model, dataset, self._extraction, longest, name)


def stated_extraction(cfg: Mapping[str, Any], logger: Logger) -> dict[str, Any] | None:
    """Read how the features of a config are made.

    Args:
        cfg: The config, with the top-level key ``extraction``.
        logger: Gets a warning where ``extraction`` makes other features than the data set has.

    Returns:
        The specification as plain Python; None where there is none, or another one.

    Raises:
        ValueError: If ``extraction`` is wrong.
    """
    named, dataset = cfg.get('extraction'), inference_dataset(cfg)
    if named is None or dataset is None:
        return None
    spec = read_extraction_spec(named) if isinstance(named, str) else ExtractionSpec.from_config(named)
    try:
        check_extraction(FeatureSpec.from_dict(dataset['feature_spec']), spec.features, 'extraction of the config')
    except ValueError as error:  # nothing that training needs, so it goes on
        logger.warning(f'{error}; checkpoints of this run will not say how their features are made')
        return None
    return spec.to_dict()


def longest_video(train: Any) -> int | None:
    """Clips of the longest video of a training data set, from the annotated durations; None where there are none."""
    longest = 0
    for dataset in nested_datasets(train):
        spec = getattr(dataset, 'feature_spec', None)
        if spec is None or not hasattr(dataset, 'rows'):  # a wrapper, e.g. PairedDataset
            continue
        seconds = max((float(row['duration']) for row in dataset.rows if 'duration' in row), default=0.0)
        clips = math.ceil(seconds / spec.clip_len)
        longest = max(longest, min(clips, spec.max_clips or clips))
    return longest or None
