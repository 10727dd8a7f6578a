"""Description of a model for inference, as checkpoints carry it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def inference_meta(
    model: Mapping[str, Any],
    dataset: Mapping[str, Any],
    extraction: Mapping[str, Any] | None = None,
    longest: int | None = None,
    name: str = '',
) -> dict[str, Any]:
    """The entry ``meta['inference']`` of a checkpoint, as plain Python.

    Args:
        model: Config of the detector.
        dataset: Config of the data set whose pipeline inference repeats.
        extraction: How the features are made, see :meth:`mmvmr.features.spec.ExtractionSpec.to_dict`.
        longest: Clips of the longest training video.
        name: Short description of the model.

    Returns:
        Dicts, lists, strings and numbers.
    """
    pipeline = {slot: value for slot, value in dict(dataset['pipeline']).items() if slot not in ('augment', 'targets')}
    stores = dict(dataset.get('stores') or {})
    text = dict(stores.get('text') or {})
    return {
        'model': plain(model),
        'pipeline': plain(pipeline),
        'feature_spec': plain(dataset['feature_spec']),
        'extraction': None if extraction is None else plain(extraction),
        'text_store': plain(text) if text.get('type') == 'TokenIdStore' else None,
        'text_key': text.get('key') or 'last_hidden_state',
        'longest': longest,
        'name': name,
    }


def inference_dataset(cfg: Mapping[str, Any]) -> Any:
    """Config of the data set whose pipeline inference repeats; None where none has a feature specification.

    It is that of the validation, or else of the test or training, without wrappers around it.
    """
    for split in ('val_dataloader', 'test_dataloader', 'train_dataloader'):
        dataset = (cfg.get(split) or {}).get('dataset')
        while dataset is not None and 'pipeline' not in dataset and 'dataset' in dataset:
            dataset = dataset['dataset']
        if dataset is not None and 'pipeline' in dataset and 'feature_spec' in dataset:
            return dataset
    return None


def plain(value: Any) -> Any:
    """A config value as the dicts, lists and scalars that a checkpoint may hold, whatever subclasses they are of."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
