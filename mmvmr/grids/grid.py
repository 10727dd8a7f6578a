"""Grid files: named rows of configs that are trained with several seeds and compared in one table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from mmengine.config import Config
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StrictInt, ValidationError

from mmvmr.utils.choices import closest
from mmvmr.utils.cli import UserError
from mmvmr.utils.paths import configs_dir

#: Name of the evaluation by ``robustness.py``.
ROBUSTNESS = 'robustness'
#: Prefix of metrics at the best epoch, by the validation metric ``curve``.
BEST = 'best'


def _figure(value: Any) -> str:
    text = f'{value:.2f}' if type(value) in (int, float) else value
    if not isinstance(text, str) or not re.fullmatch(r'-?\d+(\.\d+)?( ± \d+(\.\d+)?)?', text):
        raise ValueError("a number, or '61.94 ± 0.4'")
    return text


def _distinct(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError('at least one seed, each once')
    return seeds


Name = Annotated[str, Field(pattern=r'^[\w+.-]+$')]
Options = dict[str, Any]
Metrics = Annotated[dict[str, str], BeforeValidator(lambda v: {n: n for n in v} if type(v) in (list, tuple) else v)]


class Row(BaseModel, extra='forbid', frozen=True):
    """One line of the table: a config."""

    label: str  # name in the table
    base: str | None = None  # config file that the row starts from; None = that of the grid
    components: tuple[str, ...] = ()  # names of the components put onto it, see mmvmr.composition
    options: Options = {}  # dotted keys of a component, else of the config, where None removes an entry
    published: dict[str, Annotated[str, BeforeValidator(_figure)]] = {}  # figure of the source by the label of a metric
    note: str = ''  # remark below the table


class Grid(BaseModel, extra='forbid', frozen=True):
    """Rows, and the trainings and evaluations that each of them gets."""

    path: Path = Field(alias='grid file')  # no key of a file can have this name
    imports: tuple[str, ...] = Field((), alias='imported packages')  # by the configs of all cells
    name: Name  # of the folders
    title: str  # heading of the table
    base: str  # config file that rows start from, relative to the grid file or to ``configs``
    # Label to NAME (first split), SPLIT/NAME, robustness/SPLIT/PROBE/FIGURE or best/NAME.
    metrics: Metrics = Field(min_length=1)
    rows: dict[Name, Row] = Field(min_length=1)
    seeds: Annotated[tuple[StrictInt, ...], AfterValidator(_distinct)] = (0,)
    options: Options = {}  # dotted keys changed in every row, before its own
    splits: dict[Name, Options] = Field({'test': {}}, min_length=1)  # dotted keys for test.py on another split
    prepare: dict[str, tuple[str, ...]] = {}  # annotation file to a script of tools and arguments, which write it
    robustness: tuple[str, ...] | None = None  # arguments of robustness.py; None = it does not run
    checkpoint: Literal['best', 'last'] = 'best'  # that is evaluated
    curve: str | None = None  # validation metric that ``--curve`` shows
    source: str = ''  # paper that printed the published figures
    note: str = ''  # remark below the table

    def config_of(self, name: str) -> Path:
        """The existing config file that a row starts from."""
        base = self.rows[name].base or self.base
        for candidate in (self.path.parent / base, configs_dir() / base, Path(base)):
            if candidate.is_file():
                return candidate.resolve()
        expected = f'a config file relative to the grid file or to {configs_dir()}'
        raise UserError(f'{self.path}: base of the row {name}: found {base!r}, expected {expected}')

    def select(self, names: Sequence[str] | None) -> Grid:
        """The grid with the named rows only, in the order of the file; all of them for None."""
        self._check_rows('--only', names or ())
        return self.model_copy(update={'rows': {n: row for n, row in self.rows.items() if not names or n in names}})

    def masked(self) -> Grid:
        """The grid with mAP on masked moments of the validation split, unless it runs ``robustness.py`` anyway."""
        if self.robustness is not None:
            return self
        probe = f'{ROBUSTNESS}/val/spurious_zero'
        metrics = {**self.metrics, 'Spurious mAP': f'{probe}/mAP', 'mAP / Spurious mAP': f'{probe}/ratio'}
        arguments = ('--splits', 'val', '--probes', 'plain', 'spurious_zero', '--quiet')
        return self.model_copy(update=dict(robustness=arguments, metrics=metrics))

    def rebase(self, bases: Sequence[str]) -> Grid:
        """The grid on another data set, for which the published figures do not hold.

        ``CONFIG`` is for all rows that name no base, ``ROW=CONFIG`` for one.
        """
        if not bases:
            return self
        paths = [item.rpartition('=') for item in bases]
        given = {row: str(Path(path).resolve()) if Path(path).is_file() else path for row, _, path in paths}
        self._check_rows('--base', given.keys() - {''})
        if with_base := [name for name, row in self.rows.items() if row.base and name not in given]:
            raise UserError(
                f'--base: the rows {", ".join(with_base)} have their own base; give one for each (--base '
                f'{with_base[0]}=CONFIG ...) or leave them out with --only'
            )
        rows = {
            name: row.model_copy(update=dict(base=given.get(name), published={}, note=''))
            for name, row in self.rows.items()
        }
        return self.model_copy(update=dict(base=given.get('', self.base), rows=rows, source='', note=''))

    def _check_rows(self, option: str, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.rows:
                raise UserError(f'{option} {name}: {self.path} has no such row{_hint(name, self.rows)}')


def load_grid(path: str | Path) -> Grid:
    """Read a grid file, a Python file in the syntax of configs; names that start with ``_`` are private to it.

    Raises:
        UserError: If it is missing, cannot be read or is not valid; the message names the file, the row and the key.
    """
    if not Path(path).is_file():
        raise UserError(f'grid {path}: no such file')
    try:
        content = Config.fromfile(path).to_dict()
    except Exception as error:
        raise UserError(f'grid {path}: {type(error).__name__}: {" ".join(str(error).split())}') from error
    # Packages that the file imports have been imported here; its cells are other processes.
    imports = (content.pop('custom_imports', None) or {}).get('imports') or ()
    content = {key: value for key, value in content.items() if not key.startswith('_')}
    try:
        grid = Grid.model_validate({**content, 'grid file': path, 'imported packages': _names(imports)})
    except ValidationError as error:
        raise UserError(f'{path}: {"; ".join(dict.fromkeys(map(_message, error.errors())))}') from None
    splits = [*grid.splits, *([ROBUSTNESS] if grid.robustness is not None else [])]
    if BEST in grid.splits:
        raise UserError(f'{path}: splits.{BEST}: that name stands for the best epoch; give the split another one')
    if grid.curve:
        splits.append(BEST)
    for label, address in grid.metrics.items():
        if '/' in address and address.split('/')[0] not in splits:
            expected = f'NAME, or SPLIT/NAME with one of {", ".join(splits)} (`robustness` needs the key of that name,'
            expected += f' `{BEST}` the key `curve`)'
            raise UserError(f'{path}: metrics.{label}: found {address!r}, expected {expected}')
    for name, row in grid.rows.items():
        for label in row.published.keys() - grid.metrics.keys():
            hint = _hint(label, grid.metrics)
            raise UserError(f'{path}: rows.{name}.published.{label}: no metric has this label{hint}')
    return grid


def _names(imports: str | Sequence[str]) -> tuple[str, ...]:
    return (imports,) if isinstance(imports, str) else tuple(imports)


def _hint(word: str, names: Iterable[str]) -> str:
    return closest(word, names) or f'; expected one of {", ".join(names)}'


def _message(error: Any) -> str:
    where = '.'.join(str(part) for part in error['loc'] if part != '[key]')
    if error['type'] == 'missing':
        return f'{where} is missing'
    if error['type'] == 'extra_forbidden':
        kind = Row if error['loc'][0] == 'rows' else Grid
        return f'{where}: unknown key{closest(str(error["loc"][-1]), kind.model_fields)}'
    expected = error['msg'].removeprefix('Input should be ').removeprefix('Value error, ')
    if error['type'] == 'string_pattern_mismatch':
        expected = 'letters, digits and _ + . - only (it becomes the name of a folder)'
    return f'{where}: found {error["input"]!r}, expected {expected}'
