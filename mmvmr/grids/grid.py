"""Grid files: named rows of configs that are trained with several seeds and compared in one table."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmvmr.utils.cli import UserError
from mmvmr.utils.paths import configs_dir

#: A measured figure, or mean and deviation as printed: ``61.94 ± 0.4``.
Figure = float | str
CHECKPOINTS = ('best', 'last')
#: Name of the evaluation by ``robustness.py``.
ROBUSTNESS = 'robustness'
_PUBLISHED = re.compile(r'-?\d+(\.\d+)?( ± \d+(\.\d+)?)?')
_NAME = re.compile(r'[\w+.-]+')


@dataclass(frozen=True)
class Row:
    """One line of the table: a config.

    Attributes:
        name: Name for folders and the command line.
        label: What the table calls it.
        base: Config file that the row starts from; None = that of the grid.
        components: Names of components put onto it, in this order (:mod:`mmvmr.composition`).
        options: Dotted keys and values: of a component (``td.synthesizer.alpha``), else of the config, where None
            removes an entry.
        published: Figure of the source by the label of the metric.
        note: What a reader must know about the row.
    """

    name: str
    label: str
    base: str | None = None
    components: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    published: Mapping[str, Figure] = field(default_factory=dict)
    note: str = ''


@dataclass(frozen=True)
class Grid:
    """Rows and what is done with each of them.

    Attributes:
        path: The grid file.
        name: Name for files.
        title: Heading of the table.
        base: Config file that rows start from, relative to the grid file or to ``configs``.
        metrics: Label to address: ``MR-full-mAP`` of the first split, ``ood/MR-full-mAP`` of the split ``ood``, or
            ``robustness/SPLIT/PROBE/FIGURE``.
        rows: The rows by name.
        seeds: Seeds that every row is trained with.
        options: Dotted keys changed in every row, before its own.
        splits: Name to dotted keys that make ``test.py`` evaluate on another split.
        robustness: Arguments of ``robustness.py``; None = it does not run.
        checkpoint: ``best`` by the validation metric, or ``last``.
        curve: Validation metric whose course over the epochs belongs to the grid.
        source: Who printed the published figures.
        note: What a reader must know about the table.
    """

    path: Path
    name: str
    title: str
    base: str
    metrics: Mapping[str, str]
    rows: Mapping[str, Row]
    seeds: tuple[int, ...] = (0,)
    options: Mapping[str, Any] = field(default_factory=dict)
    splits: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {'test': {}})
    robustness: tuple[str, ...] | None = None
    checkpoint: str = 'best'
    curve: str | None = None
    source: str = ''
    note: str = ''

    def config_of(self, row: Row) -> Path:
        """The config file that a row starts from.

        Args:
            row: A row of this grid.

        Returns:
            An existing file.

        Raises:
            UserError: If there is none.
        """
        name = row.base or self.base
        where = f'rows.{row.name}.base' if row.base else 'base'
        candidates = [self.path.parent / name, configs_dir() / name, Path(name)]
        for candidate in candidates:
            if candidate.is_file():
                return candidate.resolve()
        raise UserError(
            f'{self.path}: {where}: found {name!r}, expected a config file relative to the grid file or to '
            f'{configs_dir()}'
        )

    def select(self, names: Sequence[str] | None) -> Grid:
        """The grid with some rows only.

        Args:
            names: Their names; None = all.

        Returns:
            A grid with these rows, in the order of the file.

        Raises:
            UserError: If a row does not exist.
        """
        if not names:
            return self
        for name in names:
            if name not in self.rows:
                raise UserError(f'--only {name}: {self.path} has no such row{_hint(name, self.rows)}')
        return replace(self, rows={name: row for name, row in self.rows.items() if name in names})

    def masked(self) -> Grid:
        """The grid with mAP on masked moments of the validation split, unless it runs ``robustness.py`` anyway."""
        if self.robustness is not None:
            return self
        probe = f'{ROBUSTNESS}/val/spurious_zero'
        more = {'Spurious mAP': f'{probe}/mAP', 'mAP / Spurious mAP': f'{probe}/ratio'}
        arguments = ('--splits', 'val', '--probes', 'plain', 'spurious_zero', '--quiet')
        return replace(self, robustness=arguments, metrics={**self.metrics, **more})

    def rebase(self, bases: Sequence[str]) -> Grid:
        """The grid on another data set: published figures no longer apply.

        Args:
            bases: Config files, ``CONFIG`` for all rows without a base of their own or ``ROW=CONFIG`` for one.

        Returns:
            The changed grid.

        Raises:
            UserError: If a row does not exist, or rows that name their own base would silently keep it.
        """
        if not bases:
            return self
        rows, base = dict(self.rows), self.base
        for item in bases:
            name, equals, config = item.partition('=')
            if not equals:
                base = str(Path(item).resolve()) if Path(item).is_file() else item
                continue
            if name not in rows:
                raise UserError(f'--base {item}: {self.path} has no row {name!r}{_hint(name, rows)}')
            rows[name] = replace(rows[name], base=str(Path(config).resolve()) if Path(config).is_file() else config)
        given = {item.partition('=')[0] for item in bases if '=' in item}
        kept = [name for name, row in rows.items() if row.base and name not in given]
        if kept:
            raise UserError(
                f'--base: the rows {", ".join(kept)} name a base of their own; give one for each (--base '
                f'{kept[0]}=CONFIG ...) or leave them out with --only'
            )
        rows = {name: replace(row, published={}, note='') for name, row in rows.items()}
        return replace(self, base=base, rows=rows, source='', note='')


def load_grid(path: str | Path) -> Grid:
    """Read a grid file.

    Args:
        path: A Python file in the syntax of configs; names that start with ``_`` are private to it.

    Returns:
        The grid.

    Raises:
        UserError: If it is missing, cannot be read, or says something that is not understood; the message names the
            file, the row and the key.
    """
    file = Path(path)
    if not file.is_file():
        raise UserError(f'grid {path}: no such file')
    try:
        content = Config.fromfile(file).to_dict()
    except Exception as error:
        raise UserError(f'grid {path}: {type(error).__name__}: {" ".join(str(error).split())}') from error
    content = {key: value for key, value in content.items() if not key.startswith('_')}
    check = _Checker(file)
    check.keys(content, Grid, 'path', required=('name', 'title', 'base', 'metrics', 'rows'))
    content['metrics'] = check.metrics(content['metrics'])
    content['seeds'] = check.seeds(content.get('seeds', (0,)))
    content['options'] = check.options(content.get('options', {}), 'options')
    content['splits'] = {
        name: check.options(options, f'splits.{name}')
        for name, options in check.named(content.get('splits', {'test': {}}), 'splits').items()
    }
    if content.get('robustness') is not None:
        content['robustness'] = tuple(map(str, check.a(content['robustness'], 'robustness', (list, tuple))))
    if content.get('checkpoint', 'best') not in CHECKPOINTS:
        check.fail('checkpoint', content['checkpoint'], f'one of {CHECKPOINTS}')
    rows = check.named(content['rows'], 'rows')
    content['rows'] = {name: check.row(name, row, content['metrics']) for name, row in rows.items()}
    grid = Grid(path=file, **content)
    check.addresses(grid)
    return grid


def _hint(word: str, known: Iterable[str]) -> str:
    known = list(known)
    close = difflib.get_close_matches(word, known, n=1)
    return f'; did you mean {close[0]!r}?' if close else f'; expected one of {", ".join(known)}'


class _Checker:
    """Checks of the content of a grid file; every message names the file and the key."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fail(self, where: str, found: Any, expected: str) -> None:
        raise UserError(f'{self.path}: {where}: found {found!r}, expected {expected}')

    def a(self, value: Any, where: str, kind: type | tuple[type, ...]) -> Any:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            names = ' or '.join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
            self.fail(where, value, f'a {names}')
        return value

    def keys(
        self, content: Mapping[str, Any], kind: type, hidden: str, required: Sequence[str], where: str = ''
    ) -> None:
        fields = [f.name for f in dataclasses.fields(kind) if f.name != hidden]
        for key in content:
            if key not in fields:
                raise UserError(f'{self.path}: {where}{key}: unknown key{_hint(key, fields)}')
        for key in required:
            if key not in content:
                raise UserError(f'{self.path}: {where}{key} is missing')
        for key in ('name', 'title', 'base', 'label', 'source', 'note', 'curve'):
            if content.get(key) is not None:
                self.a(content[key], where + key, str)

    def named(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict) or not value:
            self.fail(where, value, 'a dict with at least one name')
        for name in value:
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                self.fail(where, name, 'names of letters, digits and _ + . - (they become names of folders)')
        return value

    def options(self, value: Any, where: str) -> dict[str, Any]:
        for key in self.a(value, where, dict):
            self.a(key, where, str)
        return value

    def seeds(self, value: Any) -> tuple[int, ...]:
        seeds = tuple(self.a(seed, 'seeds', int) for seed in self.a(value, 'seeds', (list, tuple)))
        if not seeds or len(set(seeds)) < len(seeds):
            self.fail('seeds', list(seeds), 'at least one seed, each once')
        return seeds

    def metrics(self, value: Any) -> dict[str, str]:
        if isinstance(value, (list, tuple)):
            value = {name: name for name in value}
        if not isinstance(value, dict) or not value:
            self.fail('metrics', value, "a dict of label to address, e.g. {'mAP': 'MR-full-mAP'}")
        return {label: self.a(address, f'metrics.{label}', str) for label, address in value.items()}

    def row(self, name: str, value: Any, metrics: Mapping[str, str]) -> Row:
        where = f'rows.{name}.'
        self.a(value, where[:-1], dict)
        self.keys(value, Row, 'name', required=('label',), where=where)
        components = self.a(value.get('components', ()), f'{where}components', (list, tuple))
        published = self.a(value.get('published', {}), f'{where}published', dict)
        for label, figure in published.items():
            if label not in metrics:
                message = f'{self.path}: {where}published.{label}: no metric has this label'
                raise UserError(message + _hint(label, metrics))
            if isinstance(figure, bool) or not _PUBLISHED.fullmatch(str(figure)):
                self.fail(f'{where}published.{label}', figure, "a number, or '61.94 ± 0.4'")
        return Row(
            name,
            **{
                **value,
                'components': tuple(self.a(c, f'{where}components', str) for c in components),
                'options': self.options(value.get('options', {}), f'{where}options'),
            },
        )

    def addresses(self, grid: Grid) -> None:
        for label, address in grid.metrics.items():
            split, slash, _ = address.partition('/')
            known = [*grid.splits, *([ROBUSTNESS] if grid.robustness is not None else [])]
            if slash and split not in known:
                self.fail(
                    f'metrics.{label}',
                    address,
                    f'NAME, or SPLIT/NAME with one of {", ".join(known)} (`robustness` needs the key of that name)',
                )
