"""The template of every detector that predicts a set of moments."""

from __future__ import annotations

from typing import Any

from mmengine.model import BaseModel
from torch import Tensor

from mmvmr.registry import MODELS

from ...structures import MomentDataSample, MomentTargets, Outputs
from ..builder import fill_shared
from ..targets import build_targets


@MODELS.register_module()
class MomentDetector(BaseModel):
    """Moment retrieval and highlight detection by set prediction.

    The stages are slots; a method is a config that fills them, and nothing here knows which method runs::

        inputs  video (B, Lv, Dv), video_mask (B, Lv), text (B, Lt, Dt), text_mask (B, Lt) [, neg_text, neg_text_mask]
          | projector(inputs)                     -> Features: video (B, Lv, D), text (B, Lt, D)
          | encoder(features, targets?)           -> Memory: video (B, Lv, D), context (B, L, D), token?, negative?
          | query_initializer(memory, targets?)   -> Queries: content (B, N, D), anchors (B, N, 2)?, groups
          | decoder(queries, memory)              -> Decoded: hidden (S, B, N, D), anchors (S, B, N, 2)?
          | moment_head(decoded, queries)         -> [PredictionSet]: spans (B, n, 2), logits (B, n, 2)? quality (B, n)?
          | saliency_head(memory, sets)           -> (B, Lv)
          v Outputs -> criterion (mode='loss') | postprocessor (mode='predict')

    ``targets`` reach encoder and query initializer while training only: denoising queries and negative pairs need
    them. Spans are normalised (center, width); seconds exist in samples and in the post-processor alone.

    Args:
        projector: Config of the projector.
        encoder: Config of the encoder.
        query_initializer: Config of the query initializer.
        decoder: Config of the decoder.
        moment_head: Config of the moment head.
        criterion: Config of the criterion.
        saliency_head: Config of the highlight head; None for moments only.
        postprocessor: Config of the post-processor.
        shared: Arguments that every nested module receives unless its own config sets them (``embed_dims``,
            ``num_heads``, ``ffn_dims``, ``dropout``, ``activation``).
        data_preprocessor: Config of the preprocessor.
        init_cfg: Initialisation config of mmengine, e.g. a pre-trained checkpoint.
    """

    def __init__(
        self,
        projector: dict[str, Any],
        encoder: dict[str, Any],
        query_initializer: dict[str, Any],
        decoder: dict[str, Any],
        moment_head: dict[str, Any],
        criterion: dict[str, Any],
        saliency_head: dict[str, Any] | None = None,
        postprocessor: dict[str, Any] | None = None,
        shared: dict[str, Any] | None = None,
        data_preprocessor: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
    ):
        # Built here: mmengine's base class would look the type up in its own registry.
        super().__init__(MODELS.build(data_preprocessor or {'type': 'MomentDataPreprocessor'}), init_cfg)

        def build(cfg: dict[str, Any] | None) -> Any:
            return None if cfg is None else MODELS.build(fill_shared(cfg, shared or {}))

        self.projector = build(projector)
        self.encoder = build(encoder)
        self.query_initializer = build(query_initializer)
        self.decoder = build(decoder)
        self.moment_head = build(moment_head)
        self.saliency_head = build(saliency_head)
        self.criterion = build(criterion)
        self.postprocessor = build(postprocessor or {'type': 'MomentPostProcessor'})

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
            targets = build_targets(data_samples, inputs['video_mask'])
            return self.criterion(self.predict_sets(inputs, targets), targets)
        if mode == 'predict':
            return self.postprocessor(self.predict_sets(inputs), data_samples)
        if mode == 'tensor':
            return self.predict_sets(inputs)
        raise ValueError(f"mode={mode!r} is unknown, expected 'loss', 'predict' or 'tensor'")

    def predict_sets(self, inputs: dict[str, Tensor], targets: MomentTargets | None = None) -> Outputs:
        """Run all stages.

        Args:
            inputs: Padded features and masks.
            targets: Ground truth; None at inference.

        Returns:
            Everything that the stages produced.
        """
        features = self.projector(inputs)
        memory = self.encoder(features, targets)
        queries = self.query_initializer(memory, targets)
        decoded = self.decoder(queries, memory)
        sets = self.moment_head(decoded, queries)
        saliency = negative = None
        if self.saliency_head is not None:
            saliency = self.saliency_head(memory, sets)
            negative = None if memory.negative is None else self.saliency_head(memory.negative, sets)
        return Outputs(features, memory, queries, decoded, sets, saliency, negative)
