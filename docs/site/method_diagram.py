"""The diagram of a method: every slot of its detector with the components that fill it, drawn from its config."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

import yaml

from mmvmr.registry import MODELS, TASK_UTILS, TRANSFORMS
from mmvmr.utils.cli import load_config

ROOT = Path(__file__).resolve().parents[2]
#: Slots in the order of the flow, with what leaves them.
STAGES = {
    'augment': 'results',
    'projector': 'Features',
    'encoder': 'Memory',
    'query_initializer': 'Queries',
    'decoder': 'Decoded',
    'point_generator': 'Points',
    'moment_head': 'PredictionSet',
    'point_head': 'PredictionSet',
    'saliency_head': 'scores of clips',
    'criterion': 'losses while training',
    'postprocessor': 'moments in seconds',
}
#: The method that others are compared with: what it has too is drawn in grey.
BASELINE = 'moment_detr_qvhl'
LINE, LEFT, WIDTH = 20, 190, 640


def diagram(metafile: Path) -> str:
    """The diagram as a block of HTML in MyST.

    Args:
        metafile: ``metafile.yml`` of the method; the config of its first model is drawn.

    Returns:
        A ``raw`` block with an SVG picture whose component names are links to the reference.
    """
    model = yaml.safe_load(metafile.read_text(encoding='utf-8'))['Models'][0]
    cfg, common = load_config(str(ROOT / model['Config'])), set(_types(_slots(load_config(BASELINE))))
    y, parts = 30, []
    for slot, content in _slots(cfg).items():
        rows = list(_rows(content, slot))
        height = LINE * len(rows) + 12
        parts.append(f'<rect x="1" y="{y}" width="{WIDTH - 2}" height="{height}" rx="6"/>')
        parts.append(f'<text class="slot" x="12" y="{y + LINE}">{slot}</text>')
        for number, (depth, key, kind) in enumerate(rows, start=1):
            name = f'{escape(key)}: ' if depth else ''
            mark = 'common' if kind in common else 'new'
            parts.append(
                f'<text x="{LEFT + 16 * depth}" y="{y + LINE * number}">{name}'
                f'<a href="{_reference(kind)}" class="{mark}">{escape(kind)}</a></text>'
            )
        y += height + 34
        parts.append(f'<text class="flow" x="{LEFT}" y="{y - 12}">↓ {STAGES[slot]}</text>')
    picture = (
        f'<svg class="method" role="img" aria-label="Components of {escape(model["Name"])}, slot by slot" '
        f'viewBox="0 0 {WIDTH} {y}"><text class="flow" x="{LEFT}" y="18">↓ features of clips and text tokens</text>'
        f'{"".join(parts)}</svg>'
    )
    note = f'`{model["Name"]}`, drawn from its config. Bold: not in Moment-DETR. A name leads to its reference.'
    return f'{note}\n\n:::{{raw}} html\n{picture}\n:::'


def _slots(cfg: Any) -> dict[str, Any]:
    """Filled slots in the order of the flow; augmentations are those of the training data."""
    slots = {**cfg.model, 'augment': cfg.train_dataloader.dataset.pipeline.get('augment')}
    return {name: slots[name] for name in STAGES if slots.get(name)}


def _rows(content: Any, key: str, depth: int = 0) -> Iterator[tuple[int, str, str]]:
    """Depth, key and type of every component in a part of a config."""
    if not isinstance(content, Mapping):
        return
    if 'type' in content:
        yield depth, key, str(content['type'])
        depth += 1
    for name, value in content.items():
        yield from _rows(value, name, depth)


def _types(slots: Mapping[str, Any]) -> Iterator[str]:
    for slot, content in slots.items():
        yield from (kind for _, _, kind in _rows(content, slot))


def _reference(kind: str) -> str:
    """Address of a component in the reference, seen from the page of a method."""
    cls = next(filter(None, (registry.get(kind) for registry in (MODELS, TASK_UTILS, TRANSFORMS))))
    package = cls.__module__.rpartition('.')[0]
    return f'../../docs/api/{package}.html#{cls.__module__}.{cls.__qualname__}'
