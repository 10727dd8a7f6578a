"""What the site adds to the Markdown files: a page per package, diagrams of methods, links that a site can follow."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import jupytext
from method_diagram import diagram
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
API = ROOT / 'docs' / 'api'
#: Packages that are commands rather than something to import.
COMMANDS = ('mmvmr.cli', 'mmvmr.official_td_detr')
TUTORIAL = 'docs/tutorial'
DOWNLOAD = ':::{raw} html\n<p><a href="tutorial.ipynb" download>Download this page as a Jupyter notebook</a></p>\n:::'
_LINK = re.compile(r'\[([^\]]*)\]\(([^)\s#]+)((?:#[^)\s]*)?)\)')
_FENCE = re.compile(r'^ *(```|:::).*?^ *\1', re.M | re.S)


def write_api_pages(app: Sphinx) -> None:
    """Write a page per package into ``docs/api``: its own docstring, then everything public of each module."""
    API.mkdir(exist_ok=True)
    pages = {}
    for folder in sorted({path.parent for path in (ROOT / 'mmvmr').rglob('*.py')}):
        package = '.'.join(folder.relative_to(ROOT).parts)
        if package not in COMMANDS:
            pages[API / f'{package}.rst'] = _api_page(package, folder)
    for old in set(API.glob('*.rst')) - set(pages):
        old.unlink()
    for path, text in pages.items():
        # Sphinx reads a page again when its file is newer.
        if not path.exists() or path.read_text(encoding='utf-8') != text:
            path.write_text(text, encoding='utf-8')


def _api_page(package: str, folder: Path) -> str:
    text = _title(package, '=') + f'.. automodule:: {package}\n   :no-members:\n\n'
    if names := list(_exported(package)):
        text += f'``from {package} import ...``: {", ".join(names)}\n\n'
    for path in sorted(folder.glob('[!_]*.py')):
        module = f'{package}.{path.stem}'
        text += _title(module, '-') + f'.. automodule:: {module}\n\n'
    return text


def _exported(package: str) -> Iterator[str]:
    """Links to what a package hands on from its modules."""
    module = importlib.import_module(package)
    for name in getattr(module, '__all__', ()):
        source = getattr(getattr(module, name), '__module__', None)
        yield f'``{name}``' if source is None else f':py:obj:`{name} <{source}.{name}>`'


def _title(text: str, line: str) -> str:
    return f'{text}\n{line * len(text)}\n\n'


def prepare(app: Sphinx, docname: str, source: list[str]) -> None:
    """Point links of a Markdown page to pages of the site, and put the diagram into the README of a method."""
    if Path(app.env.doc2path(docname)).suffix != '.md':
        return
    page = ROOT / f'{docname}.md'
    text, last, parts = source[0], 0, []
    for block in _FENCE.finditer(text):
        parts += [_links(text[last : block.start()], page.parent), block.group()]
        last = block.end()
    text = ''.join([*parts, _links(text[last:], page.parent)])
    if docname == TUTORIAL:
        text = text.replace('\n# Tutorial\n', f'\n# Tutorial\n\n{DOWNLOAD}\n', 1)
    if (page.parent / 'metafile.yml').exists():
        before, heading, after = text.partition('## Results\n')
        text = f'{before}## Diagram\n\n{diagram(page.parent / "metafile.yml")}\n\n{heading}{after}'
    source[0] = text


def write_notebook(app: Sphinx, error: Exception | None) -> None:
    """Leave the tutorial as a notebook next to its page."""
    if error is None:
        jupytext.write(jupytext.read(ROOT / f'{TUTORIAL}.md'), Path(app.outdir, f'{TUTORIAL}.ipynb'))


def _links(text: str, folder: Path) -> str:
    return _LINK.sub(lambda match: _link(*match.groups(), folder), text)


def _link(label: str, target: str, anchor: str, folder: Path) -> str:
    """One link: folders lead to their README, code of the package to its page, other folders nowhere."""
    path = (folder / target).resolve()
    if re.match(r'\w+:', target) or not path.exists():
        return f'[{label}]({target}{anchor})'
    if path.is_relative_to(ROOT / 'mmvmr') and path.suffix in ('', '.py'):
        return f'[{label}](#{".".join(path.relative_to(ROOT).with_suffix("").parts)})'
    if path.is_dir():
        return f'[{label}]({target}/README.md)' if (path / 'README.md').exists() else label
    return f'[{label}]({target}{anchor})'


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect('builder-inited', write_api_pages)
    app.connect('source-read', prepare)
    app.connect('build-finished', write_notebook)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
