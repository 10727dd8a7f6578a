"""The command ``mmvmr``: help, mistakes, printing."""

import json
import subprocess
import sys

import numpy as np
import pytest

from mmvmr.apis import Answer, Answers, Moment
from mmvmr.cli.find import print_answers, read_sentences
from mmvmr.cli.finder_arguments import clock
from mmvmr.cli.index import read_shard
from mmvmr.cli.main import COMMANDS, build_parser, main
from mmvmr.utils.cli import UserError, possible_folder
from mmvmr.utils.io import read_json, write_jsonl


def test_help_imports_nothing_heavy():
    code = (
        'import sys; from mmvmr.cli.main import COMMANDS, build_parser\n'
        'for name in COMMANDS: build_parser(name).format_help()\n'
        'print([m for m in ("torch", "mmengine", "numpy", "transformers") if m in sys.modules])'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '[]'


@pytest.mark.parametrize('name', COMMANDS)
def test_every_help_has_an_example(name):
    text = build_parser(name).format_help()
    assert f'mmvmr {name} ' in text.split('\n\n', 1)[1]


def test_overview_and_mistakes(capsys):
    assert main(['--help']) == 0
    overview = capsys.readouterr().out
    assert all(f'  {name} ' in overview for name in COMMANDS)
    assert main(['serch', 'x']) == 2
    assert 'did you mean `search`?' in capsys.readouterr().err
    for command, missing in ('find', 'video'), ('search', 'index'), ('extract', '--spec, --out'):
        with pytest.raises(SystemExit):
            main([command])
        assert capsys.readouterr().err.endswith(f'arguments are required: {missing}\n')  # and no optional sentence
    with pytest.raises(SystemExit) as stop:
        main(['find', 'absent.mp4'])
    assert stop.value.code == 2
    assert 'no sentence was given' in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(['search', 'absent', 'a dog'])
    assert 'absent is not an index; make one with' in capsys.readouterr().err


def test_values_that_the_package_knows(capsys):
    with pytest.raises(SystemExit) as stop:
        main(['eval', 'p.jsonl', 'gt.jsonl', '--protocol', 'qvhl'])
    assert stop.value.code == 2
    assert "'qvhl': expected one of activitynet, charades" in capsys.readouterr().err
    assert build_parser('eval').parse_args(['p', 'gt']).protocol == 'qvhighlights'


def test_numbers_of_at_least_one(capsys):
    for text in ('0', '-1', '1.5', '\u0663'):
        with pytest.raises(SystemExit):
            main(['compare', 'p.jsonl', '--gt', 'gt.jsonl', f'--draws={text}'])
        assert 'expected a whole number of at least 1' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['compare', 'p.jsonl', '--gt', 'g.jsonl', '--seed=-1'], '--seed: -1: expected a whole number of at least 0'),
        (['check', 'qd_detr_qvhl', '--sample', '3', '--fast'], 'argument --fast: not allowed with argument --sample'),
        (['grid', 'g.py', '--seeds', '0', '-2'], '-2: expected a whole number of at least 0'),
        (['search', 'i', 'a dog', '--video-weight=-1'], '--video-weight: -1: expected a finite number of at least 0'),
        (['search', 'i', 'a dog', '--video-weight=nan'], 'nan: expected a finite number of at least 0'),
        (['search', 'i', 'a dog', '--video-weight=ten'], 'ten: expected a finite number of at least 0'),
    ],
)
def test_words_that_make_no_sense(words, message, capsys):
    with pytest.raises(SystemExit, match='2'):
        main(words)
    assert message in capsys.readouterr().err


def test_scoring_imports_no_torch(tmp_path):
    row = '{"qid": 1, "query": "a", "vid": "v", "duration": 10, "relevant_windows": [[0, 4]]}'
    (tmp_path / 'gt.jsonl').write_text(row)
    (tmp_path / 'p.jsonl').write_text('{"qid": 1, "pred_relevant_windows": [[0, 4, 0.9]]}')
    code = (
        'import sys; from mmvmr.cli.main import main; main(["eval", "p.jsonl", "gt.jsonl", "--protocol", "charades"])\n'
        'print([m for m in ("torch", "mmengine") if m in sys.modules])'
    )
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == '[]'


def test_names_of_configs(capsys):
    assert main(['config', '--names']) == 0
    assert 'sa_detr_qvhl' in capsys.readouterr().out.splitlines()
    with pytest.raises(SystemExit) as stop:
        main(['train', 'sa_detr_qvh'])
    assert stop.value.code == 2
    assert 'near names of shipped configs: sa_detr_qvhl' in capsys.readouterr().err


def test_clock():
    assert [clock(s) for s in (0, 9.96, 61.25, 3725.25)] == ['0:00.0', '0:10.0', '1:01.2', '1:02:05.2']


def test_shards():
    assert read_shard('2/4') == (2, 4)
    for text in ('4/4', '1', 'a/b', '-1/2'):
        with pytest.raises(UserError, match='expected I/N'):
            read_shard(text)


def test_sentences_from_a_file(tmp_path):
    path = tmp_path / 'sentences.txt'
    path.write_text('\ufeffa dog\n\n  ein Hund  \n', encoding='utf-8')
    assert read_sentences(str(path)) == ['a dog', 'ein Hund']
    path.write_text('a dog\u2028runs\nthe door\x0bopens\r\na cat\n', encoding='utf-8', newline='')
    assert read_sentences(str(path)) == ['a dog\u2028runs', 'the door\x0bopens', 'a cat']
    path.write_bytes('é'.encode('cp1252'))
    with pytest.raises(ValueError, match=r'sentences\.txt:1: not UTF-8 text'):
        read_sentences(str(path))
    path.write_text('\n')
    with pytest.raises(UserError, match='holds no sentence'):
        read_sentences(str(path))


def test_a_folder_that_is_a_file_is_refused_before_the_work(tmp_path):
    (tmp_path / 'a').write_text('x')
    for place in ('a', 'a/b/c'):
        with pytest.raises(UserError, match=r'^--show-dir .*: .*/a is a file, expected a folder or a new name'):
            possible_folder(str(tmp_path / place), '--show-dir')
    for place in ('', 'b', 'b/c'):
        possible_folder(str(tmp_path / place), '--show-dir')


def test_videos_without_a_name_are_compared_one_by_one(tmp_path, capsys):
    rows = [{'qid': qid, 'duration': 30, 'relevant_windows': [[0, 10]]} for qid in range(8)]
    answers = [{'qid': qid, 'pred_relevant_windows': [[0, 10 if qid % 2 else 1, 1]]} for qid in range(8)]
    write_jsonl(tmp_path / 'p.jsonl', answers)
    bounds = {}
    for name, vid in (('null', None), ('one', 'v')):
        write_jsonl(tmp_path / f'{name}.jsonl', [dict(row, vid=vid) for row in rows])
        command = ['compare', tmp_path / 'p.jsonl', '--gt', tmp_path / f'{name}.jsonl', '--protocol', 'charades']
        options = ['--figures', 'MR-full-R1@0.5', '--draws', '200', '--out', tmp_path / 'out.json']
        assert main([*map(str, (*command, *options))]) in (0, None)
        ((bounds[name],),) = [row['interval'] for row in read_json(tmp_path / 'out.json')['all']]
    assert bounds['null'][0] < 50 < bounds['null'][1]  # half of the queries are right
    assert bounds['one'] == [50, 50]
    notes = capsys.readouterr().err
    assert 'null.jsonl: 8 of 8 rows have no vid' in notes
    assert 'one.jsonl: all rows are of one video, so intervals have no width' in notes


def test_printing(capsys):
    times = np.array([[0, 1]])
    items = (Answer('a dog', (Moment(1.0, 62.0, 0.5),), times), Answer('a cat', (), times))
    answers = Answers('clip', 70.0, items, notes=('cut',), model='m')
    print_answers(answers, as_json=False)
    text = capsys.readouterr().out
    assert 'note: cut' in text and '0:01.0 - 1:02.0    score 0.50' in text and 'nothing found' in text
    print_answers(answers, as_json=True)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == {'video': 'clip', 'query': 'a dog', 'moments': [{'start': 1.0, 'end': 62.0, 'score': 0.5}]}


def test_no_command_writes_into_what_it_reads(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    files = [tmp_path / name for name in ('preds.jsonl', 'gt.jsonl', 'model.pth', 'link.jsonl')]
    for file in files[:3]:
        file.write_text('{}\n')
    files[3].symlink_to(files[1])
    for words, path in (
        (['eval', 'preds.jsonl', 'gt.jsonl', '--out', files[0]], files[0]),
        (['eval', 'preds.jsonl', 'gt.jsonl', '--page', 'link.jsonl'], 'link.jsonl'),
        (['compare', 'preds.jsonl', 'preds.jsonl', '--gt', 'gt.jsonl', '--out', './gt.jsonl'], './gt.jsonl'),
        (['robustness', 'sa_detr_qvhl', 'model.pth', '--out', 'new.md', 'model.pth'], 'model.pth'),
        (['convert', 'qd_detr', 'model.pth', 'model.pth'], 'model.pth'),
        (['export', 'model.pth', files[2]], files[2]),
    ):
        with pytest.raises(SystemExit, match='2'):
            main([str(word) for word in words])
        message = f'error: {path} is the input, which is never changed; give another file to write\n'
        assert capsys.readouterr().err.replace('./', '') == message.replace('./', '')
    assert [file.read_text() for file in files] == ['{}\n'] * 4


def test_no_command_writes_into_what_a_config_reads(tmp_path, monkeypatch, capsys):
    """The annotations that ``data_root`` of the command line leads to, under any of their names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'data').mkdir()
    for name in ('train.jsonl', 'val.jsonl'):
        (tmp_path / 'data' / name).write_text('the truth\n')
    for words, path in (
        (['test', 'qd_detr_clip_charades', 'x.pth', '--out', 'data/val.jsonl'], 'data/val.jsonl'),
        (['search', 'qd_detr_clip_charades', '--out', 'data/../data/val.jsonl'], 'data/../data/val.jsonl'),
        (['fit', 'ridge_clip_charades', '--out', 'data/train.jsonl'], 'data/train.jsonl'),
    ):
        with pytest.raises(SystemExit, match='2'):
            main([*words, '--cfg-options', 'data_root=data'])
        assert f'error: {path} is the input, which is never changed' in capsys.readouterr().err
    assert {(tmp_path / 'data' / name).read_text() for name in ('train.jsonl', 'val.jsonl')} == {'the truth\n'}


def test_compose_replaces_its_own_files_only(tmp_path, capsys):
    words = ['compose', 'qd_detr_clip_charades', '--with', 'td.dynamics', '--out', str(tmp_path / 'new.py')]
    assert main(words) == 0 == main(words)
    (tmp_path / 'new.py').write_text('# my notes\n')
    with pytest.raises(SystemExit, match='2'):
        main(words)
    assert 'was not written by mmvmr compose' in capsys.readouterr().err
    assert (tmp_path / 'new.py').read_text() == '# my notes\n'


def test_a_printed_config_inherits_from_anywhere(capsys):
    assert main(['compose', 'qd_detr_clip_charades', '--with', 'td.dynamics']) == 0
    assert "_base_ = ['mmvmr::qd_detr/qd_detr_clip_charades.py']" in capsys.readouterr().out


def test_a_reader_may_stop_reading():
    """As in ``mmvmr compose --list | head -1``: neither a message nor a traceback."""
    words = [sys.executable, '-m', 'mmvmr', 'compose', '--list']
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b''
        assert process.wait() == 141


def test_packages_of_the_command_line_are_imported(capsys):
    words = ['config', 'qd_detr_clip_charades', '--cfg-options']
    with pytest.raises(SystemExit, match='2'):
        main([*words, 'custom_imports.imports=[no_such_package]'])
    assert "custom_imports: No module named 'no_such_package'" in capsys.readouterr().err


def test_a_folder_of_videos_is_not_an_index(tmp_path, capsys):
    with pytest.raises(SystemExit, match='2'):
        main(['search', str(tmp_path), 'a dog'])
    assert f'run `mmvmr index {tmp_path}`, then search {tmp_path}.index' in capsys.readouterr().err
