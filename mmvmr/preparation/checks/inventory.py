"""Contents of feature stores by name: entries that annotations miss and entries that no annotation uses."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import singledispatch
from pathlib import Path, PurePosixPath
from typing import Any

from mmvmr.datasets.stores.feature_stores import FolderStore, HDF5Store
from mmvmr.datasets.stores.joined_store import JoinedStore
from mmvmr.datasets.stores.naming import NameTemplate, Row
from mmvmr.datasets.stores.packed_store import PackedStore
from mmvmr.preparation.checks.finding import ERROR, WARNING, Results, Skipped, found
from mmvmr.preparation.checks.split import Split


@dataclass(frozen=True)
class Shelf:
    """Named arrays in one place.

    Attributes:
        place: Folder or file.
        name: Gives the name of an annotation row.
        names: The names that are there and could be those of rows.
        depth: Folders in the template; deeper names count only next to those of rows, because folders of something else
            may be there as well. None: all names count.
    """

    place: str
    name: Callable[[Row], str]
    names: frozenset[str]
    depth: int | None = None

    def relevant(self, rows: Iterable[str]) -> set[str]:
        """The names that are there, without those of folders of no row."""
        folders = {PurePosixPath(name).parent for name in rows}
        return {
            name
            for name in self.names
            if self.depth is None or name.count('/') == self.depth or PurePosixPath(name).parent in folders
        }


@singledispatch
def shelves(store: Any) -> list[Shelf] | None:
    """Everything that a store holds, an entry per place; None if it cannot tell. Packages register their stores."""
    return None


def _shelf(place: str, name: NameTemplate, names: Iterable[str]) -> Shelf:
    pieces = [re.escape(piece) for piece in re.split(r'\{[^{}]*\}', name.template)]
    pattern = re.compile('.+'.join(pieces))
    matching = frozenset(filter(pattern.fullmatch, names))
    return Shelf(place, name, matching, name.template.count('/'))


@shelves.register
def _(store: FolderStore) -> list[Shelf]:
    files = []
    for folder, _, names in os.walk(store.folder):
        parent = Path(folder).relative_to(store.folder)
        files += [(parent / name).as_posix() for name in names]
    return [_shelf(store.where, store.name, files)]


@shelves.register
def _(store: HDF5Store) -> list[Shelf]:
    if not store.file.is_file():
        return [_shelf(store.where, store.name, ())]
    return [_shelf(store.where, store.name, store.entries())]


@shelves.register
def _(store: PackedStore) -> list[Shelf]:
    block = store.block
    return [Shelf(str(block.path), lambda row: str(row[block.key]), frozenset(block.entries))]


@shelves.register
def _(store: JoinedStore) -> list[Shelf] | None:
    parts = [shelves(part) for part in store.parts]
    return None if None in parts else [shelf for part in parts for shelf in part or ()]


def _listed(store: Any) -> tuple[list[Shelf], str]:
    """The shelves of a store, or the reason why there are none."""
    try:
        listed = shelves(store)
    except (ImportError, OSError, ValueError) as error:
        return [], str(error)
    return ([], f'{type(store).__name__} does not list what it has') if listed is None else (listed, '')


def missing(split: Split) -> Results:
    """Features that rows of a split have none of."""
    results: Results = []
    for name, store in split.stores.items():
        where = f'{split.name}, stream {name!r}'
        try:
            absent = store.missing(split.rows)
        except ImportError as error:
            results.append(Skipped('missing', where, str(error)))
            continue
        except (OSError, ValueError) as error:
            results += found('unreadable', ERROR, where, [error], 'store cannot be opened', 'Correct dataset.stores')
            continue
        text = f'features are missing in {store.where}'
        advice = 'Correct data_root or dataset.stores, extract them, or remove the rows'
        results += found('missing', ERROR, where, absent, text, advice)
    return results


def clashes(splits: Sequence[Split]) -> Results:
    """Sentences of the same name in different splits: both would get the features of one of them."""
    owners: dict[tuple[str, str], tuple[Split, Row]] = {}
    shared: dict[str, list[str]] = {}
    for split in splits:
        for shelf in _listed(split.stores.get('text'))[0]:
            for row in split.rows:
                other, theirs = owners.setdefault((shelf.place, shelf.name(row)), (split, row))
                if other is not split and theirs['query'] != row['query']:
                    line = f'{shelf.name(row)}: {theirs["query"][:40]!r} and {row["query"][:40]!r}'
                    shared.setdefault(f'{other.name} and {split.name}', []).append(line)
    text = 'files would be those of two different sentences'
    advice = 'Number the sentences of all splits in one row (--first-qid of the converters), and extract them again'
    return [
        finding for where, lines in shared.items() for finding in found('clashes', ERROR, where, lines, text, advice)
    ]


def extra(splits: Sequence[Split]) -> Results:
    """Features of no row of any split; a store that cannot list what it holds is skipped."""
    where = ' + '.join(split.name for split in splits)
    if partial := [split for split in splits if split.partial]:
        return [Skipped('extra', where, f'{partial[0].name} has only part of its rows: {partial[0].partial}')]
    results: Results = []
    expected: dict[str, set[str]] = {}
    there: dict[str, set[str]] = {}
    for split in splits:
        for stream, store in split.stores.items():
            listed, reason = _listed(store)
            if reason:
                results.append(Skipped('extra', f'{split.name}, stream {stream!r}', reason))
            for shelf in listed:
                names = set(map(shelf.name, split.rows))
                expected.setdefault(shelf.place, set()).update(names)
                there.setdefault(shelf.place, set()).update(shelf.relevant(names))
    for place, names in there.items():
        text = f'features in {place} belong to no annotation'
        advice = 'Other splits, or names that are written otherwise in the annotations?'
        results += found('extra', WARNING, where, sorted(names - expected[place]), text, advice, len(names))
    return results
