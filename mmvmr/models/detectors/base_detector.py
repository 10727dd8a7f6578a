"""Base of all detectors: construction of the slots and the three modes."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mmvmr.models.builder import fill_shared
from mmvmr.models.targets import build_targets
from mmvmr.registry import MODELS
from mmvmr.structures import MomentDataSample, MomentTargets, Outputs


class BaseDetector(nn.Module):
    """A detector: stages that are slots, a criterion and a post-processor.

    A subclass says in :meth:`predict_sets` how structures flow from stage to stage, and nothing else. The steps are
    those that mmengine's runners call. mmengine's own base class, whose import brings all optimizers and wrappers, is
    no base of this one, so that a finder starts at once; :mod:`mmvmr.engine` declares it one for ``isinstance``.

    Args:
        stages: Config of every slot by its name; None leaves it empty. Each becomes an attribute.
        criterion: Config of the criterion; None for a detector that is not trained.
        postprocessor: Config of the post-processor.
        shared: Arguments that every nested module receives unless its own config sets them (``embed_dims``,
            ``num_heads``, ``ffn_dims``, ``dropout``, ``activation``, ``joint_dims``, ``word_dims``).
        data_preprocessor: Config of the preprocessor.
        init_cfg: Initialisation config of mmengine, e.g. a pre-trained checkpoint.
        existence_head: Config of what says whether there is a moment at all, e.g. :class:`ExistenceHead`; None
            for detectors of ordinary queries.
    """

    def __init__(
        self,
        stages: Mapping[str, dict[str, Any] | None],
        criterion: dict[str, Any] | None,
        postprocessor: dict[str, Any],
        /,
        shared: dict[str, Any] | None = None,
        data_preprocessor: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
        existence_head: dict[str, Any] | None = None,
    ):
        super().__init__()
        self.init_cfg, self._is_init = copy.deepcopy(init_cfg), False  # names that mmengine's init_weights knows
        self.data_preprocessor = MODELS.build(data_preprocessor or {'type': 'MomentDataPreprocessor'})
        last = {'criterion': criterion, 'postprocessor': postprocessor, 'existence_head': existence_head}
        for name, cfg in {**stages, **last}.items():
            setattr(self, name, None if cfg is None else MODELS.build(fill_shared(cfg, shared or {})))

    def init_weights(self) -> None:
        """Initialise this module and those inside as their ``init_cfg`` say; the runner calls it before training."""
        from mmengine.model import BaseModule

        BaseModule.init_weights(self)

    def _dump_init_info(self) -> None:
        from mmengine.model import BaseModule

        BaseModule._dump_init_info(self)

    def train_step(self, data: dict[str, Any], optim_wrapper: Any) -> dict[str, Tensor]:
        """Update the weights once.

        Args:
            data: A collated batch.
            optim_wrapper: mmengine's wrapper of the optimizer.

        Returns:
            Losses for the log.
        """
        with optim_wrapper.optim_context(self):
            losses = self._run_forward(self.data_preprocessor(data, True), mode='loss')
        total, logged = self.parse_losses(losses)
        optim_wrapper.update_params(total)
        return logged

    def val_step(self, data: dict[str, Any]) -> list[MomentDataSample]:
        """Predict a collated batch."""
        return self._run_forward(self.data_preprocessor(data, False), mode='predict')

    test_step = val_step

    def _run_forward(self, data: dict[str, Any], mode: str) -> Any:
        return self(**data, mode=mode)

    def parse_losses(self, losses: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Sum the losses.

        Args:
            losses: Name to loss; those without ``loss`` in their name are logged only.

        Returns:
            The sum, and the means of all with the sum in front.
        """
        means = {name: value.mean() for name, value in losses.items()}
        total = sum(value for name, value in means.items() if 'loss' in name)
        return total, {'loss': total, **means}

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
