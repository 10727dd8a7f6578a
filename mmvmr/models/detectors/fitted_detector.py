"""The detector around predictors that are fitted in closed form."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mmvmr.models.detectors.base_detector import BaseDetector
from mmvmr.registry import MODELS
from mmvmr.structures import Features, Memory, MomentDataSample, MomentTargets, Outputs, Tokens


@MODELS.register_module()
class FittedDetector(BaseDetector):
    """A baseline without training: ``mmvmr fit`` fits it and writes a checkpoint for ``mmvmr test``.

    ::

        inputs -- predictor --> PredictionSet -- postprocessor --> moments
           `--- existence_head (similarity) --> whether there is a moment at all

    Args:
        predictor: Config of the predictor, e.g. :class:`SimilarityWindows`.
        postprocessor: Config of the post-processor; by default predictions are ranked by ``quality``.
        kwargs: ``data_preprocessor``, ``init_cfg`` and ``existence_head`` of :class:`BaseDetector`. The head looks at
            the similarity only (``source='similarity'``) and is fitted too.
    """

    def __init__(
        self,
        predictor: dict[str, Any],
        postprocessor: dict[str, Any] | None = None,
        **kwargs: Any,
    ):
        postprocessor = postprocessor or {'type': 'MomentPostProcessor', 'score': 'quality', 'decimals': None}
        super().__init__({'predictor': predictor}, None, postprocessor, **kwargs)

    def fit(self, dataset: Any) -> None:
        """Fit the predictor, and the existence head where there is one.

        Args:
            dataset: The training data, a :class:`mmvmr.datasets.BaseMomentDataset`.
        """
        self.predictor.fit(dataset)
        if self.existence_head is not None:
            self.existence_head.fit(dataset)

    def forward(
        self, inputs: dict[str, Tensor], data_samples: list[MomentDataSample] | None = None, mode: str = 'tensor'
    ) -> Any:
        """Run the detector; see :meth:`BaseDetector.forward`.

        Raises:
            ValueError: If it is asked for losses: there is nothing to train.
        """
        if mode == 'loss':
            raise ValueError(
                'a FittedDetector has no losses: fit it with mmvmr fit CONFIG and evaluate it with mmvmr test'
            )
        return super().forward(inputs, data_samples, mode)

    def predict(self, inputs: dict[str, Tensor], samples: list[MomentDataSample]) -> list[MomentDataSample]:
        """Fill in the predictions of a batch; arguments as in :meth:`BaseDetector.predict`."""
        return self.postprocessor(self._outputs(inputs, samples), samples)

    def predict_sets(self, inputs: dict[str, Tensor], targets: MomentTargets | None = None) -> Outputs:
        """Run the predictor; see :meth:`BaseDetector.predict_sets`."""
        return self._outputs(inputs, None)

    def _outputs(self, inputs: dict[str, Tensor], samples: list[MomentDataSample] | None) -> Outputs:
        video, text = (Tokens(inputs[name], inputs[f'{name}_mask'], raw=inputs[name]) for name in ('video', 'text'))
        features = Features(video, text, raw_video=video, rows=inputs.get('video_index'))
        return self.judged(Outputs(features, Memory(video, video, text), None, None, [self.predictor(inputs, samples)]))
