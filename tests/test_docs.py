"""What the documentation says can be done: commands parse, files exist, links resolve, snippets are valid."""

import argparse
import ast
import json
import re
import runpy
import shlex
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import yaml
from mmengine.config import Config
from testing import make_batch, tiny_model

from mmvmr.cli.arguments import ConfigOptions
from mmvmr.cli.main import COMMANDS, build_parser, main
from mmvmr.datasets.schema import PIPELINE_KEYS
from mmvmr.features.spec import ExtractionSpec
from mmvmr.registry import COMPONENTS, DATASETS, METRICS, MODELS, TRANSFORMS
from mmvmr.utils.cli import UserError, load_config
from mmvmr.utils.config import find_config
from mmvmr.utils.setup import register_all_modules
from mmvmr.version import __version__

REPO = Path(__file__).resolve().parent.parent
TOOLS = REPO / 'tools'
sys.path.insert(0, str(TOOLS / 'analysis_tools'))
import list_components  # noqa: E402
from doc_sections import update  # noqa: E402

PAGES = sorted(
    path.relative_to(REPO)
    for pattern in ('*.md', 'docs/**/*.md', 'configs/*/*.md', 'projects/*/*.md')
    for path in REPO.glob(pattern)
)
FENCE = re.compile(r'^( *)```(\w*)\n(.*?)^\1```', re.M | re.S)
#: Launchers, with the number of words before what the Python tool gets: (script, words to drop, words to keep first).
LAUNCHERS = {
    'tools/dist_train.sh': ('tools/train.py', lambda a: a[:1] + a[2:]),
    'tools/dist_test.sh': ('tools/test.py', lambda a: a[:2] + a[3:]),
    'tools/slurm_train.sh': ('tools/train.py', lambda a: a[2:]),
    'tools/slurm_test.sh': ('tools/test.py', lambda a: a[2:]),
}
MAKE = set(re.findall(r'^([a-z-]+):', (REPO / 'Makefile').read_text(), re.M))
ALLOWED = ('source .venv/', 'python -m venv ', '.venv/bin/pre-commit ', 'cp data/')


def blocks(page, language):
    """Fenced blocks of a page, without the indentation of a list that they stand in."""
    for indent, name, body in FENCE.findall((REPO / page).read_text(encoding='utf-8')):
        if name == language:
            yield '\n'.join(line.removeprefix(indent) for line in body.splitlines())


def prose(page):
    return FENCE.sub('', (REPO / page).read_text(encoding='utf-8'))


def commands(page):
    """Fenced shell commands, and code spans that start with a tool."""
    for block in blocks(page, 'bash'):
        yield from filter(None, (line.strip() for line in block.replace('\\\n', ' ').splitlines()))
    yield from re.findall(r'`((?:python )?tools/[^\s`]+ [^`\n]+)`', prose(page))


ALL = sorted({(str(page), command) for page in PAGES for command in commands(page)})


class Parsed(Exception):
    """Carries the arguments out of a tool before it starts to work."""


def parse(tool, arguments, monkeypatch):
    """Let a tool, or the command ``mmvmr``, read its command line with its own parser."""

    def stop(parser, *args, **kwargs):
        parsed, _ = parse_known(parser, *args, **kwargs)
        if _:
            parser.error(f'unrecognized arguments: {_}')
        raise Parsed(parsed)

    parse_known = argparse.ArgumentParser.parse_known_args
    monkeypatch.setattr(argparse.ArgumentParser, 'parse_args', stop)
    monkeypatch.setattr(sys, 'argv', [tool, *arguments])
    monkeypatch.syspath_prepend(str((REPO / tool).parent))
    with pytest.raises(Parsed) as caught:
        if tool == 'mmvmr':
            main(arguments)
        else:
            runpy.run_path(str(REPO / tool), run_name='__main__')
    return caught.value.args[0]


@pytest.mark.parametrize(('page', 'command'), ALL, ids=lambda value: value[:60])
def test_commands(page, command, monkeypatch):
    words = shlex.split(command, comments=True)
    while words and re.fullmatch(r'[A-Z_]+=\S*', words[0]):
        words = words[1:]
    for word in words:
        if re.match(r'(\./)?(configs|tools|projects|requirements|docs|tests)/', word):
            assert (REPO / word).exists(), f'{word} does not exist'
    if words[0] == 'make':
        assert set(words[1:]) <= MAKE
    elif words[:2] == ['pip', 'install']:
        for option, value in pairwise(words):
            assert option not in ('-r', '-c', '-e') or (REPO / value.split('[')[0]).exists()
    elif words[0] in LAUNCHERS:
        tool, arguments = LAUNCHERS[words[0]]
        check_config(parse(tool, arguments(words[1:]), monkeypatch))
    elif words[0] == 'mmvmr':
        check_config(parse('mmvmr', words[1:], monkeypatch))
    elif words[0] == 'python' and words[1].startswith('tools/'):
        check_config(parse(words[1], words[2:], monkeypatch))
    else:
        assert command.startswith(ALLOWED), f'what is {words[0]}?'


def check_config(args):
    """The config that a command names is shipped, and keys of ``--cfg-options`` exist in it."""
    for name in flatten(getattr(args, 'config', None)):
        if name.startswith('configs/') or not (name.endswith('.py') or name.isupper()):
            path = find_config(str(REPO / name) if name.startswith('configs/') else name)
            if options := getattr(args, 'cfg_options', None):
                load_config(str(path), options)


def flatten(value):
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def options_of(parser):
    """Options of a parser and of its subcommands."""
    for action in parser._actions:
        yield from action.option_strings
        for part in action.choices.values() if isinstance(action, argparse._SubParsersAction) else ():
            yield from options_of(part)


def known_options():
    for name in COMMANDS:
        yield from options_of(build_parser(name))
    for path in TOOLS.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Call) and getattr(node.func, 'attr', '') == 'add_argument':
                yield from (arg.value for arg in node.args if isinstance(arg, ast.Constant))


@pytest.mark.parametrize('page', PAGES, ids=str)
def test_options_in_the_text(page):
    known = {*known_options(), '--help', '--no-deps', '--launcher'}
    for span in re.findall(r'`(--[^`]+)`', prose(page)):
        words = shlex.split(span)
        for word in words:
            assert not word.startswith('--') or word in known, f'{page}: {span}'
        if words[0] == '--cfg-options':
            check_options(words[1:])


def check_options(words):
    """Keys exist in a moment config, in a highlight config or in one of points."""
    parser = argparse.ArgumentParser()
    parser.add_argument('options', nargs='*', action=ConfigOptions)
    options = parser.parse_args([word for word in words if '=' in word and not word.startswith('KEY')]).options
    errors = []
    for name in ('qd_detr_qvhl', 'qd_detr_tvsum', 'snag_mad'):
        try:
            load_config(name, options)
            return
        except UserError as error:
            errors.append(str(error))
    raise AssertionError(errors)


def slug(heading):
    return re.sub(r'[^\w\- ]', '', heading.lower()).strip().replace(' ', '-')


@pytest.mark.parametrize('page', PAGES, ids=str)
def test_links(page):
    for target in re.findall(r'\]\(([^)\s]+)\)', prose(page)):
        if target.startswith(('http://', 'https://', 'mailto:')):
            continue
        name, _, anchor = target.partition('#')
        path = (REPO / page).parent / name if name else REPO / page
        assert path.exists(), f'{page}: {target}'
        if anchor:
            headings = re.findall(r'^#+ (.+)$', FENCE.sub('', path.read_text(encoding='utf-8')), re.M)
            assert anchor in {slug(heading) for heading in headings}, f'{page}: {target}'


SNIPPETS = [(str(page), code) for page in PAGES for code in blocks(page, 'python')]


@pytest.mark.parametrize(('page', 'code'), SNIPPETS, ids=lambda value: value[:40])
def test_python_snippets(page, code, tmp_path):
    compile(code, page, 'exec')
    if '_base_ = ' in code and "'MyWrapper'" not in code:
        root = (REPO / 'configs').as_posix()
        code = re.sub(r"'(\.\./)+(?:configs/)?(?=\w)", f"'{root}/", code)
        (tmp_path / 'snippet.py').write_text(code)
        cfg = Config.fromfile(tmp_path / 'snippet.py', import_custom_modules=False)
        if 'extractors' in cfg:
            assert ExtractionSpec.from_config(cfg).streams
        else:
            assert cfg.model.type == 'MomentDetector'


@pytest.mark.parametrize('page', PAGES, ids=str)
def test_json_snippets(page):
    for block in blocks(page, 'json'):
        for line in block.splitlines():
            assert 'qid' in json.loads(line)


def test_the_module_of_the_guide_works():
    page = Path('docs/advanced_guides/add_a_module.md')
    (code,) = (code for code in blocks(page, 'python') if 'class ContrastSaliencyHead' in code)
    register_all_modules(init_scope=False)
    try:
        exec(compile(code, str(page), 'exec'), {'__name__': 'my_package.heads'})
        head = dict(saliency_head=dict(_delete_=True, type='ContrastSaliencyHead'))
        model = tiny_model(REPO / 'configs' / 'moment_detr' / 'moment_detr_qvhl.py', head)
        losses = model(**model.data_preprocessor(make_batch()), mode='loss')
        assert torch.isfinite(sum(losses.values()))
    finally:
        MODELS.module_dict.pop('ContrastSaliencyHead', None)


def test_the_list_of_components_is_complete():
    register_all_modules(init_scope=False)
    content = list_components.markdown(list_components.components())
    written = {(list_components.PAGE, 'components'): content}
    assert update(written, check=True) == 0, 'run: python tools/analysis_tools/list_components.py --write'
    assert '| `MomentDetector` |' in content
    assert '| `SpanL1Loss` |' in content


EXAMPLES = re.split(r'^## ', (REPO / 'docs/advanced_guides/examples.md').read_text(encoding='utf-8'), flags=re.M)[1:]
REGISTRIES = (MODELS, DATASETS, TRANSFORMS, METRICS, COMPONENTS)


@pytest.mark.parametrize('section', EXAMPLES, ids=lambda text: text.split('\n')[0])
def test_examples(section, monkeypatch):
    """The blocks of a section run one after the other, as a reader would enter them."""
    monkeypatch.chdir(REPO)
    register_all_modules(init_scope=False)
    before = [dict(registry.module_dict) for registry in REGISTRIES]
    namespace = {'__name__': 'example'}
    try:
        for _, language, code in FENCE.findall(section):
            assert language == 'python'
            exec(compile(code, section.split('\n')[0], 'exec'), namespace)
    finally:
        for registry, modules in zip(REGISTRIES, before):
            registry._module_dict = modules


def test_every_slot_has_an_example():
    slots = 'Loss Encoder Fusion Query-initializer Decoder Data-set Transform Metric Component'
    assert [text.split('\n')[0].replace(' ', '-') for text in EXAMPLES] == slots.split()


def literals(path):
    """Every text of a module, with one … for what is filled in."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else '…' for part in node.values)
            yield ' '.join(''.join(parts).split())
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield ' '.join(node.value.split())


def test_error_messages_are_those_of_the_code():
    modules = [list(literals(path)) for path in (REPO / 'mmvmr').rglob('*.py')]
    rows = re.findall(r'^\| (`+)(.+?)\1 \|', (REPO / 'docs/errors.md').read_text(encoding='utf-8'), re.M)
    assert len(rows) > 25
    for _, message in rows:
        pieces = [piece.strip() for piece in message.split('…') if len(piece.strip()) > 3]
        assert pieces, message
        assert any(all(any(piece in text for text in module) for piece in pieces) for module in modules), message


def test_keys_of_results_are_documented():
    page = (REPO / 'docs/advanced_guides/results_and_structures.md').read_text(encoding='utf-8')
    first = [row.split('|')[1] for row in page.splitlines() if row.startswith('| `')]
    named = {key for cell in first for key in re.findall(r'`(\w+)`', cell)}
    assert named >= PIPELINE_KEYS
    dataset = DATASETS.build(load_config('sa_detr_synthetic').train_dataloader.dataset | {'num_videos': 2})
    keys = set(dataset.loaded(0)) - dataset.rows[0].keys()
    assert keys <= named, 'a key of the data set or of loading is not in the table'


def test_citation():
    cff = yaml.safe_load((REPO / 'CITATION.cff').read_text(encoding='utf-8'))
    assert (cff['cff-version'], cff['type']) == ('1.2.0', 'software')
    assert cff['message'] and cff['title']
    assert all(set(author) in ({'name'}, {'given-names', 'family-names'}) for author in cff['authors'])
    assert (cff['version'], cff['license']) == (__version__, 'Apache-2.0')


def test_every_page_is_in_the_contents():
    """Sphinx would warn about a page that no list of contents names, and a warning ends `make docs`."""
    index = (REPO / 'docs/index.md').read_text(encoding='utf-8').splitlines()
    for page in (REPO / 'docs').glob('*.md'):
        assert page.stem == 'index' or page.stem in index, f'{page.name}: name it in docs/index.md'
    assert {'user_guides/*', 'advanced_guides/*', '../configs/*/README'} <= set(index)


def test_diagram_of_a_method(monkeypatch):
    monkeypatch.syspath_prepend(str(REPO / 'docs' / 'site'))
    register_all_modules(init_scope=False)
    from method_diagram import diagram

    picture = diagram(REPO / 'configs/sa_detr/metafile.yml')
    assert 'class="new">SpanEnhance</a>' in picture  # SA-DETR has it, Moment-DETR has not
    assert 'class="common">SpanL1Loss</a>' in picture
    assert 'mmvmr.models.decoders.html#mmvmr.models.decoders.span_enhance.SpanEnhance"' in picture
    slots = re.findall(r'class="slot"[^>]*>(\w+)<', picture)
    assert slots[:4] == ['projector', 'encoder', 'query_initializer', 'decoder']


def test_links_of_the_site(monkeypatch):
    pytest.importorskip('sphinx')
    monkeypatch.syspath_prepend(str(REPO / 'docs' / 'site'))
    from site_pages import _links

    folder = REPO / 'docs' / 'user_guides'
    for link, rewritten in [
        ('[code](../../mmvmr/datasets/schema.py)', '[code](#mmvmr.datasets.schema)'),
        ('[a folder](../../configs/qd_detr)', '[a folder](../../configs/qd_detr/README.md)'),
        ('[a folder](../../configs/features)', 'a folder'),
        ('[a page](data.md#annotations)', '[a page](data.md#annotations)'),
        ('[elsewhere](https://example.org)', '[elsewhere](https://example.org)'),
    ]:
        assert _links(link, folder) == rewritten
