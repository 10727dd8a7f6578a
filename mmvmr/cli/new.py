"""Start a package of your own: a copy of the example project under a new name, which trains at once.

    mmvmr new dog_finder
    pip install --no-deps -e dog_finder
    mmvmr train dog_finder/configs/gated_synthetic.py

It has an encoder, an augmentation, a metric, a component for `mmvmr compose`, a config on generated data (no download),
a test and pyproject.toml. Nothing of mmvmr has to be changed.
"""

from __future__ import annotations

import argparse
import keyword
import shutil
import sys
import tempfile
from pathlib import Path

#: Name of the example, as a package, as a distribution and as a prefix of components.
EXAMPLE = 'example_project'
README = """# {name}

A package for mmvmr: an encoder, an augmentation, a metric and a component.

    pip install --no-deps -e .
    mmvmr train configs/gated_synthetic.py
    mmvmr compose qd_detr_qvhl --import-module {name} --with {name}.gate
    python -m pytest tests
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('project', metavar='PROJECT', help='name of the package, e.g. dog_finder')
    parser.add_argument('--out', type=Path, metavar='DIR', help='folder that is made; default: ./PROJECT')


def run(args: argparse.Namespace) -> None:
    """Copy and rename; see the module docstring."""
    from mmvmr.utils.errors import UserError
    from mmvmr.utils.paths import configs_dir

    name, out = args.project, args.out or Path(args.project)
    if not name.isidentifier() or not name.isascii() or name != name.lower() or keyword.iskeyword(name):
        raise UserError(
            f'{name}: expected the name of a package: a lower-case letter, then also digits and underscores, and no '
            'keyword of Python'
        )
    if name in sys.stdlib_module_names or name in ('mmvmr', 'torch', 'mmengine', 'mmcv', 'numpy', 'tests'):
        raise UserError(f'{name}: a package of this name exists already; choose another one')
    if out.exists():
        raise UserError(f'{out}: exists already; choose another name, or --out DIR')
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='.mmvmr-new-', dir=out.parent) as folder:
        made = Path(folder, 'project')
        copy_example(configs_dir().parent / 'projects' / EXAMPLE, made, name)
        made.rename(out)
    print(f'{out} written. Next: pip install --no-deps -e {out}; mmvmr train {out}/configs/gated_synthetic.py')


def copy_example(source: Path, target: Path, name: str) -> None:
    """Copy the example project under another name.

    Args:
        source: The example.
        target: The folder to make.
        name: Name of the new package.
    """
    ignored = shutil.ignore_patterns('__pycache__', 'build', '*.egg-info', 'README.md')
    shutil.copytree(source, target, ignore=ignored)
    (target / EXAMPLE).rename(target / name)
    renamed = {EXAMPLE: name, 'mmvmr-example-project': name.replace('_', '-'), 'example.gate': f'{name}.gate'}
    renamed['example = '] = f'{name} = '
    for path in [*target.rglob('*.py'), *target.rglob('*.toml')]:
        text = path.read_text(encoding='utf-8')
        for old, new in renamed.items():
            text = text.replace(old, new)
        path.write_text(text, encoding='utf-8')
    (target / 'README.md').write_text(README.format(name=name), encoding='utf-8')
