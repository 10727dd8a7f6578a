"""Answers before any training."""

from __future__ import annotations

from mmvmr.apis.model_files import ModelFile, build_model_file
from mmvmr.features.spec import ExtractionSpec
from mmvmr.utils.inference_meta import inference_meta


def zero_shot_model(extraction: ExtractionSpec) -> ModelFile:
    """The similarity detector on features in which clips and sentences are comparable.

    Args:
        extraction: What is extracted; one video stream and sentences of the same dimension.

    Returns:
        The model and what inference needs.

    Raises:
        ValueError: If there are several streams, or clips and sentences have different dimensions.
    """
    streams = extraction.features.streams
    if len(streams) != 1 or streams[0].dim != extraction.features.text.dim:
        dims = {s.name: s.dim for s in (*streams, extraction.features.text)}
        raise ValueError(f'zero-shot answers need one video stream in the space of the sentences, found {dims}')
    dataset = {
        'feature_spec': {**extraction.features.to_dict(), 'tef': False},
        'pipeline': {'load': {'type': 'LoadMomentFeatures'}, 'pack': {'type': 'PackMomentInputs'}},
        'stores': {'text': {'key': 'pooler_output'}},
    }
    # Soft-NMS stays inside one video; windows of up to 40 s, as the moments of the usual data sets are.
    longest = max(2, round(40 / extraction.features.clip_len))
    model = {'type': 'SimilarityDetector', 'max_clips': longest}
    entry = inference_meta(model, dataset, extraction.to_dict(), name=f'zero-shot on {streams[0].name}')
    return build_model_file(entry, None, 'zero-shot', extraction)
