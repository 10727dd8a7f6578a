"""The fixed order of the transforms of a sample, with named slots that a child config fills or empties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmvmr.registry import TRANSFORMS

SLOTS = ('load', 'augment', 'tef', 'pool', 'targets', 'pack')
REQUIRED = ('load', 'pack')


class MomentPipeline:
    """Turns the ``results`` of a sample into an item.

    ``load`` fills the features, every entry of ``augment`` (a dict of name to transform, applied in the order of the
    dict) may change the sample or add ``results['views'][name]``, and ``tef``, ``pool`` (fewer clips),
    ``targets`` and ``pack`` are applied to the sample and to each of its views.

    Args:
        config: Slot to transform config; ``augment`` to a dict of them. None empties a slot or an entry.

    Raises:
        ValueError: If a slot is unknown, or ``load`` or ``pack`` is empty.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        if unknown := sorted(set(config) - set(SLOTS)):
            raise ValueError(f'pipeline: unknown slots {unknown}, expected {SLOTS}; augmentations go into "augment"')
        if empty := [slot for slot in REQUIRED if config.get(slot) is None]:
            raise ValueError(f'pipeline: the slots {empty} are empty')
        self.load = TRANSFORMS.build(config['load'])
        augment = config.get('augment') or {}
        self.augment = {name: TRANSFORMS.build(cfg) for name, cfg in augment.items() if cfg is not None}
        later_slots = {slot: config[slot] for slot in SLOTS[2:] if config.get(slot) is not None}
        self.finish = {slot: TRANSFORMS.build(cfg) for slot, cfg in later_slots.items()}

    def bind(self, dataset: Any) -> None:
        """Give the data set to every transform that looks at other items (or at the feature specification)."""
        for transform in (self.load, *self.augment.values(), *self.finish.values()):
            if hasattr(transform, 'bind'):
                transform.bind(dataset)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Run all transforms: ``inputs``, ``data_samples`` and, where an augmentation added views, ``views``."""
        results = self.load(results)
        for transform in self.augment.values():
            results = transform(results)
        views = results.pop('views', {})
        item = self._finished(results)
        if views:
            item['views'] = {name: self._finished({**view, 'view': name}) for name, view in views.items()}
        return item

    def _finished(self, results: dict[str, Any]) -> dict[str, Any]:
        for transform in self.finish.values():
            results = transform(results)
        return results
