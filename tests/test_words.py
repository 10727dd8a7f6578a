"""Plain English and the terms of the field in docstrings, comments, messages and documentation."""

import ast
import io
import re
import tokenize

import pytest

#: Pattern of what not to write, and what to write instead; the glossary in CONTRIBUTING.md says why.
INSTEAD = {
    r'mend(s|ed|ing)?': 'fix',
    r'faults?': 'issue',
    r'sine codes?': 'sinusoidal positional encoding',
    r'position codes?': 'positional encoding',
    r'answers? for (it|a span|spans|a moment|long)': 'is assigned to, is responsible for',
    r'(words?|clips?|model|decoder|encoder|layers?|queries|heads?) (hears?|reads?)': 'attends to, receives, uses',
    r'tells its attention': 'returns attention weights',
    r'weighs? views': 'weight views',
    r'behind': 'after',
    r'alike': 'the same, equally, similar',
    r'beside': 'next to, in addition to',
    r'amid': 'among',
    r'so many': 'this many, a number of',
    r'lies?|lay': 'is',
    r'of (its|their) own': 'its own, separate',
    r'(SeededDraws|ReplayDraws)': 'SeededRng, ReplayRng',
}
#: Names of variables that say nothing of what they hold.
VAGUE = {'found', 'known', 'kept', 'own', 'rest'}
PATTERN = re.compile('|'.join(rf'(?P<p{i}>\b(?:{pattern})\b)' for i, pattern in enumerate(INSTEAD)), re.IGNORECASE)
TEXT_TOKENS = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, 'FSTRING_MIDDLE', tokenize.STRING)}


def _remarks(text):
    """Line number, what was found and what to write instead."""
    for number, line in enumerate(text.split('\n')):
        for match in PATTERN.finditer(line):
            yield number, match[0], list(INSTEAD.values())[int(match.lastgroup[1:])]


def _in_python(source):
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in TEXT_TOKENS:
            yield from ((token.start[0] + number, word, instead) for number, word, instead in _remarks(token.string))


def _prose_of_markdown(text):
    """The text without code blocks and code spans, whose lines stay."""
    text = re.sub(r'^(\s*)```.*?^\s*```', lambda match: '\n' * match[0].count('\n'), text, flags=re.M | re.S)
    return re.sub(r'`[^`\n]*`', '', text)


@pytest.mark.parametrize('folder', ['mmvmr', 'tools', 'configs', 'projects'])
def test_words_of_the_code(repo_dir, folder):
    wrong = [
        f'{path.relative_to(repo_dir)}:{line}: {word!r}, write: {instead}'
        for path in sorted((repo_dir / folder).rglob('*.py'))
        for line, word, instead in _in_python(path.read_text(encoding='utf-8'))
    ]
    assert not wrong, '\n'.join(wrong)


def test_locals_say_what_they_hold(repo_dir):
    wrong = []
    for path in sorted((repo_dir / 'mmvmr').rglob('*.py')):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            stored = node.id if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else None
            name = node.arg if isinstance(node, ast.arg) else stored
            if name in VAGUE:
                wrong.append(f'{path.relative_to(repo_dir)}:{node.lineno}: {name}')
    assert not wrong, 'name what it holds:\n' + '\n'.join(wrong)


def test_words_of_the_documentation(repo_dir):
    paths = [
        *repo_dir.glob('*.md'),
        *(p for d in ('docs', 'configs', 'projects') for p in (repo_dir / d).rglob('*.md')),
    ]
    assert len(paths) > 20
    wrong = [
        f'{path.relative_to(repo_dir)}:{line + 1}: {word!r}, write: {instead}'
        for path in sorted(paths)
        for line, word, instead in _remarks(_prose_of_markdown(path.read_text(encoding='utf-8')))
    ]
    assert not wrong, '\n'.join(wrong)


def test_the_check_finds_words_only_in_prose():
    source = 'amid = 1  # the clips behind it\nraise ValueError(f"{1} so many")\n"""Plain."""\n'
    assert [(line, word) for line, word, _ in _in_python(source)] == [(1, 'behind'), (2, 'so many')]
    text = 'A\n```\nbehind\n```\n`mend` and a sine code\n'
    assert list(_remarks(_prose_of_markdown(text))) == [(4, 'sine code', 'sinusoidal positional encoding')]
