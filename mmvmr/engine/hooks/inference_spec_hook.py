"""Checkpoints that say everything a finder needs."""

from __future__ import annotations

import math

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvmr.engine.hooks.resume_hook import nested_datasets
from mmvmr.features.spec import ExtractionSpec, check_extraction
from mmvmr.features.spec_files import read_extraction_spec
from mmvmr.registry import HOOKS
from mmvmr.structures import FeatureSpec
from mmvmr.utils.inference_meta import inference_dataset, inference_meta


@HOOKS.register_module()
class InferenceSpecHook(Hook):
    """Stores model config, pipeline, feature specification and extraction in checkpoints, as plain Python.

    With it a checkpoint is enough to ask a video a question (:class:`mmvmr.apis.MomentFinder`): the top-level key
    ``extraction`` of the config says how features are made. It is the name of a file in ``configs/features`` or its
    content.
    """

    priority = 'NORMAL'

    def before_run(self, runner: Runner) -> None:
        """Read the specification, so that a mistake in it stops the run at its start.

        Raises:
            ValueError: If ``extraction`` is wrong. One that makes other features than the data set has is not
                stored, with a warning.
        """
        self._extraction = None
        named, dataset = runner.cfg.get('extraction'), inference_dataset(runner.cfg)
        if named is None or dataset is None:
            return
        spec = read_extraction_spec(named) if isinstance(named, str) else ExtractionSpec.from_config(named)
        try:
            check_extraction(FeatureSpec.from_dict(dataset['feature_spec']), spec.features, 'extraction of the config')
        except ValueError as error:  # nothing that training needs, so it goes on
            runner.logger.warning(f'{error}; checkpoints of this run will not say how their features are made')
        else:
            self._extraction = spec.to_dict()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Store the entry ``meta['inference']``."""
        dataset = inference_dataset(runner.cfg)
        if dataset is None:
            return
        name = runner.experiment_name.rsplit('_', 2)[0]
        checkpoint['meta']['inference'] = inference_meta(
            runner.cfg.model, dataset, self._extraction, _longest(runner), name
        )


def _longest(runner: Runner) -> int | None:
    """Clips of the longest training video, from the annotated durations."""
    longest = 0
    for dataset in nested_datasets(runner.train_dataloader.dataset):
        spec = getattr(dataset, 'feature_spec', None)
        if spec is None:
            continue
        seconds = max((float(row['duration']) for row in dataset.rows if 'duration' in row), default=0.0)
        clips = math.ceil(seconds / spec.clip_len)
        longest = max(longest, min(clips, spec.max_clips or clips))
    return longest or None
