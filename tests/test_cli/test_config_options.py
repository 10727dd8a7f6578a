"""``--cfg-options``: values as mmengine reads them, blanks kept, mistakes told in one line."""

import argparse

import pytest

from mmvmr.cli.arguments import ConfigOptions


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
    return parser


def test_values(parser):
    words = ['a.b=1', 'c=[1,2]', 'd=None', 'root=~/my data', 'e=(1, x)', 'f=True', 'g=a=b', "h='x y'", 'empty=']
    options = parser.parse_args(['--cfg-options', *words]).cfg_options
    assert options == {
        'a.b': 1, 'c': [1, 2], 'd': None, 'root': '~/my data', 'e': (1, 'x'), 'f': True, 'g': 'a=b', 'h': 'x y',
        'empty': '',
    }  # fmt: skip


def test_options_add_up(parser):
    assert parser.parse_args(['--cfg-options', 'a=1', '--cfg-options', 'b=2']).cfg_options == {'a': 1, 'b': 2}


@pytest.mark.parametrize(
    ('word', 'message'),
    [
        ('lr', 'lr: expected KEY=VALUE'),
        ('=1', '=1: expected KEY=VALUE'),
        ('a=[1,(2]', 'Imbalanced'),
        ('a=dict(type="X",b=1)', 'for every entry of a dict'),
    ],
)
def test_mistakes(parser, word, message, capsys):
    with pytest.raises(SystemExit):
        parser.parse_args(['--cfg-options', word])
    assert message in capsys.readouterr().err
