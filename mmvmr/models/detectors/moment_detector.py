"""The template of every detector that predicts a set of moments."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mmvmr.models.detectors.base_detector import BaseDetector
from mmvmr.registry import MODELS
from mmvmr.structures import MomentTargets, Outputs


@MODELS.register_module()
class MomentDetector(BaseDetector):
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

    ``targets`` reach encoder and query initializer while training only: denoising queries, moment tokens and
    mismatched pairs need them. Spans are normalised (center, width); seconds exist in samples and in the
    post-processor only.

    Args:
        projector: Config of the projector.
        encoder: Config of the encoder.
        query_initializer: Config of the query initializer.
        decoder: Config of the decoder.
        moment_head: Config of the moment head.
        criterion: Config of the criterion.
        saliency_head: Config of the highlight head; None for moments only.
        postprocessor: Config of the post-processor.
        kwargs: ``shared``, ``data_preprocessor``, ``init_cfg`` and ``existence_head`` of :class:`BaseDetector`.
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
        **kwargs: Any,
    ):
        stages = {
            'projector': projector,
            'encoder': encoder,
            'query_initializer': query_initializer,
            'decoder': decoder,
            'moment_head': moment_head,
            'saliency_head': saliency_head,
        }
        postprocessor = postprocessor or {'type': 'MomentPostProcessor'}
        super().__init__(stages, criterion, postprocessor, **kwargs)

    def predict_sets(self, inputs: dict[str, Tensor], targets: MomentTargets | None = None) -> Outputs:
        """Run all stages."""
        features = self.projector(inputs).paired()
        memory = self.encoder(features, targets)
        queries = self.query_initializer(memory, targets)
        decoded = self.decoder(queries, memory)
        sets = self.moment_head(decoded, queries)
        saliency = negative = None
        if self.saliency_head is not None:
            saliency = self.saliency_head(memory, sets)
            negative = None if memory.negative is None else self.saliency_head(memory.negative, sets)
        return self.judged(Outputs(features, memory, queries, decoded, sets, saliency, negative))
