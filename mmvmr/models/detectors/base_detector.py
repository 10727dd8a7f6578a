"""Base of all detectors: construction of the slots and the three modes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.model import BaseModel
from torch import Tensor

from mmvmr.models.builder import fill_shared
from mmvmr.models.targets import build_targets
from mmvmr.registry import MODELS
from mmvmr.structures import MomentDataSample, MomentTargets, Outputs


class BaseDetector(BaseModel):
    """A detector: stages that are slots, a criterion and a post-processor.

    A subclass says in :meth:`predict_sets` how structures flow from stage to stage, and nothing else.

    Args:
        stages: Config of every slot by its name; None leaves it empty. Each becomes an attribute.
        criterion: Config of the criterion; None for a detector that is not trained.
        postprocessor: Config of the post-processor.
        shared: Arguments that every nested module receives unless its own config sets them (``embed_dims``,
            ``num_heads``, ``ffn_dims``, ``dropout``, ``activation``).
        data_preprocessor: Config of the preprocessor.
        init_cfg: Initialisation config of mmengine, e.g. a pre-trained checkpoint.
        existence_head: Config of what says whether there is a moment at all, e.g. :class:`ExistenceHead`.
    """

    def __init__(
        self,
        stages: Mapping[str, dict[str, Any] | None],
        criterion: dict[str, Any] | None,
        postprocessor: dict[str, Any],
        shared: dict[str, Any] | None = None,
        data_preprocessor: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
        existence_head: dict[str, Any] | None = None,
    ):
        # Built here: mmengine's base class would look the type up in its own registry.
        super().__init__(MODELS.build(data_preprocessor or {'type': 'MomentDataPreprocessor'}), init_cfg)
        last = {'criterion': criterion, 'postprocessor': postprocessor, 'existence_head': existence_head}
        for name, cfg in {**stages, **last}.items():
            setattr(self, name, None if cfg is None else MODELS.build(fill_shared(cfg, shared or {})))

    def forward(
        self,
        inputs: dict[str, Tensor],
        data_samples: list[MomentDataSample] | None = None,
        mode: str = 'tensor',
    ) -> dict[str, Tensor] | list[MomentDataSample] | Outputs:
        """Run the model on a preprocessed batch.

        Args:
            inputs: Padded features and masks.
            data_samples: The samples of the batch; needed by ``loss`` and ``predict``.
            mode: ``loss`` for weighted losses, ``predict`` for samples with predictions, ``tensor`` for raw outputs.

        Returns:
            According to ``mode``.

        Raises:
            ValueError: If ``mode`` is unknown.
        """
        if mode == 'loss':
            targets = build_targets(data_samples, clip_mask(inputs))
            return self.criterion(self.predict_sets(inputs, targets), targets)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if mode == 'tensor':
            return self.predict_sets(inputs)
        raise ValueError(f"mode={mode!r} is unknown, expected 'loss', 'predict' or 'tensor'")

    def predict(self, inputs: dict[str, Tensor], samples: list[MomentDataSample]) -> list[MomentDataSample]:
        """Fill in the predictions of a batch.

        Args:
            inputs: Padded features and masks.
            samples: The samples of the batch.

        Returns:
            The same samples with predictions.
        """
        return self.postprocessor(self.predict_sets(inputs), samples)

    def judged(self, outputs: Outputs) -> Outputs:
        """Add whether there is a moment at all, where the detector has an existence head."""
        if self.existence_head is not None:
            outputs.existence = self.existence_head(outputs)
        return outputs

    def predict_sets(self, inputs: dict[str, Tensor], targets: MomentTargets | None = None) -> Outputs:
        """Run all stages.

        Args:
            inputs: Padded features and masks.
            targets: Ground truth; None at inference.

        Returns:
            Everything that the stages produced.
        """
        raise NotImplementedError


def clip_mask(inputs: Mapping[str, Tensor]) -> Tensor:
    """Valid clips of every sample (B, Lv), also where several samples share a video (``video_index``)."""
    index = inputs.get('video_index')
    return inputs['video_mask'] if index is None else inputs['video_mask'][index]
