"""The shape of the package: imports run one way, files stay small, nothing in it exists for its own tests."""

import ast
import re

import pytest

pytest.importorskip('importlinter')


def _sources(repo_dir):
    return sorted((repo_dir / 'mmvmr').rglob('*.py'))


def test_imports_run_one_way(repo_dir, monkeypatch, capsys):
    from importlinter.cli import lint_imports

    monkeypatch.chdir(repo_dir)
    status = lint_imports(config_filename=str(repo_dir / 'pyproject.toml'), no_cache=True)
    assert status == 0, capsys.readouterr().out


def test_imports_are_absolute_and_never_of_tests(repo_dir):
    for path in _sources(repo_dir):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f'{path}:{node.lineno}: relative import'
                assert (node.module or '').split('.')[0] not in ('tests', 'pytest'), f'{path}:{node.lineno}'


def test_files_are_small(repo_dir):
    lengths = {path: len(path.read_text(encoding='utf-8').splitlines()) for path in _sources(repo_dir)}
    long = [f'{path.relative_to(repo_dir)}: {length}' for path, length in lengths.items() if length > 300]
    assert not long, f'more than 300 lines, split them: {long}'


def test_every_package_is_found_by_setup(repo_dir):
    for path in _sources(repo_dir):
        assert (path.parent / '__init__.py').is_file(), f'{path.parent} has no __init__.py and is left out of the wheel'


def test_docstrings_begin_with_a_noun_or_a_verb(repo_dir):
    wrong = []
    for path in _sources(repo_dir):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                line = (ast.get_docstring(node) or '').split('\n')[0]
                if re.match(r'(What|Which|Where|How|Whether)\b', line):
                    wrong.append(f'{path.relative_to(repo_dir)}: {line}')
    assert not wrong, '\n'.join(wrong)
