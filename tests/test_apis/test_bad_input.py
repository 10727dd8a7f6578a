"""Bad input of `mmvmr find`: one message each, and nothing half-written."""

import errno
import os
import sys
import wave

import numpy as np
import pytest
from test_features.painted import write_video

import mmvmr.apis.exports
from mmvmr.apis import MomentFinder
from mmvmr.apis.answers import Answer, Answers, Moment
from mmvmr.apis.cutting import cut_video
from mmvmr.apis.zero_shot import zero_shot_model
from mmvmr.cli.main import main
from mmvmr.features.spec import ExtractionSpec
from mmvmr.report import write_answer_report
from mmvmr.utils.errors import describe


def _spec(**streams):
    extractors = {name: config for name, (_, config) in streams.items()}
    return ExtractionSpec.from_config(
        dict(
            custom_imports=dict(imports=['test_features.toys']),
            feature_spec=dict(
                streams={name: dict(dim=dim) for name, (dim, _) in streams.items()}, text=dict(dim=2), clip_len=1.0
            ),
            extractors=dict(**extractors, text=dict(type='LetterExtractor')),
        )
    )


NUMBERS = (2, dict(type='NumberExtractor', frames_per_clip=2))


@pytest.fixture
def video(tmp_path):
    return write_video(tmp_path / 'a.mp4', np.arange(8) / 2, 4)


@pytest.fixture
def finder(tmp_path):
    return MomentFinder(zero_shot_model(_spec(number=NUMBERS)), device='cpu', cache_dir=tmp_path / 'cache')


def _error(capsys, *words):
    with pytest.raises(SystemExit) as status:
        main(['find', *map(str, words)])
    assert status.value.code == 2
    [line, *rest] = capsys.readouterr().err.splitlines()
    assert rest in ([], ['(set MMVMR_TRACEBACK=1 for the traceback)'])
    return line


def test_files_that_are_no_videos(finder, tmp_path, video):
    with wave.open(str(tmp_path / 'a.wav'), 'wb') as sound:
        sound.setparams((1, 2, 8000, 0, 'NONE', ''))
        sound.writeframes(bytes(16000))
    (tmp_path / 'zero.mp4').write_bytes(b'')
    (tmp_path / 'cut.mp4').write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    for name, message in (
        ('a.wav', 'holds no video stream, only: audio'),
        ('zero.mp4', 'cannot be opened as a video'),
        ('cut.mp4', 'is it truncated'),
        ('', 'is a folder'),
    ):
        with pytest.raises((ValueError, OSError), match=message):
            finder.encode(tmp_path / name)
    assert not (tmp_path / 'cache').exists()


def test_no_sentence_and_an_empty_one(finder, video, capsys):
    with pytest.raises(ValueError, match='sentence 2 of 2 is empty'):
        finder.encode(video).find('a dog', ' ')
    assert 'no sentence was given' in _error(capsys, 'a.mp4')


def test_options_that_would_do_nothing_or_no_good(tmp_path, capsys):
    (tmp_path / 'taken').write_text('a file')
    for words, message in (
        (['--embed'], '--compare and --embed are about the page: add --report PAGE.html'),
        (['--window', 'inf'], 'window=inf s, expected at least a clip of 1 s'),
        (['--window', 'nan'], 'window=nan s, expected at least a clip of 1 s'),
    ):
        assert message in _error(capsys, str(tmp_path / 'absent.mp4'), 'a dog', *words)
    with pytest.raises(SystemExit, match='2'):
        main(['find', 'absent.mp4', 'a dog', '--export', 'x', '--formats', 'srt', 'mp3'])
    assert "'mp3': expected one of chapters, clips, csv, edl, jsonl, srt, vtt" in capsys.readouterr().err
    with pytest.raises(NotADirectoryError) as caught:
        (tmp_path / 'taken' / 'folder').mkdir()
    path = tmp_path / 'taken' / 'folder'
    assert describe(caught.value) == f'{path}: there is a file where a folder is expected; give another folder'


def test_another_script_and_a_long_sentence_are_noted(finder, video):
    encoded = finder.encode(video)
    assert encoded.find('a dog').notes == ()
    [note] = encoded.find('a dog', 'собака').notes
    assert '"собака" is not in Latin script; the text encoder is LetterExtractor' in note
    extractor = finder.encoder.text_extractor
    extractor.longest, extractor.tokenizer = 9, lambda text, verbose: {'input_ids': text.split()}
    [note] = encoded.find('dog ' * 500).notes
    assert note == f'"{("dog " * 10)[:40]} ..." has 500 tokens, of which LetterExtractor takes the first 9'


def test_without_pyav(finder, video, monkeypatch):
    monkeypatch.setitem(sys.modules, 'av', None)
    with pytest.raises(ImportError, match=r'needs av: pip install av'):
        finder.encode(video)


def test_an_audio_stream_is_extracted_or_asked_for(tmp_path, video):
    model = zero_shot_model(_spec(sound=(2, dict(type='LoudnessExtractor'))))
    finder = MomentFinder(model, device='cpu', cache_dir=tmp_path / 'cache')
    samples = np.arange(4 * 8000, dtype=np.int16)
    loud = write_video(tmp_path / 'loud.mkv', np.arange(8) / 2, 4, samples=samples)
    encoded = finder.encode(loud)
    assert encoded.streams['sound'].shape == (4, 2) and encoded.find('a dog')
    with pytest.raises(ValueError, match=r'a\.mp4: holds no sound track, which the audio stream of the features needs'):
        finder.encode(video)
    config = dict(type='PANNsExtractor', checkpoint=str(tmp_path / 'Cnn14.pth'))
    finder = MomentFinder(zero_shot_model(_spec(sound=(2, config))), device='cpu', cache_dir=tmp_path / 'other')
    with pytest.raises(OSError, match=r'Cnn14\.pth: no such file'):
        finder.encode(loud)


@pytest.fixture
def answers(video):
    answer = Answer('a dog', (Moment(1.0, 3.0, 0.5),), np.array([[0.0, 4.0]]))
    return Answers('a', 4.0, (answer,), video)


class FullDisk:
    """Writes of a file fail after its first bytes."""

    def __init__(self, monkeypatch):
        def fail(path, *_, **__):
            path.write_bytes(b'half')
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

        monkeypatch.setattr('pathlib.Path.write_text', fail)


@pytest.mark.parametrize('name', ['csv', 'srt', 'vtt', 'edl', 'chapters'])
def test_full_disk_while_exporting(answers, tmp_path, monkeypatch, name):
    answers.export(tmp_path / 'out', [name])
    [old] = (tmp_path / 'out').iterdir()
    before = old.read_bytes()
    FullDisk(monkeypatch)
    with pytest.raises(OSError, match='No space left'):
        answers.export(tmp_path / 'out', [name])
    assert old.read_bytes() == before and list((tmp_path / 'out').iterdir()) == [old]


def test_full_disk_while_writing_lines_a_page_and_a_clip(answers, tmp_path, monkeypatch):
    def rows(*_):
        yield {'qid': 0}
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(mmvmr.apis.exports, '_rows', rows)
    monkeypatch.setattr('mmvmr.apis.cutting._copy_span', lambda *_: next(iter(rows())) and list(rows()))
    out = tmp_path / 'out'
    with pytest.raises(OSError, match='No space left'):
        answers.export(out, ['jsonl'])
    with pytest.raises(OSError, match='No space left'):
        cut_video(answers.path, out / 'x.mp4', 0, 1)
    FullDisk(monkeypatch)
    with pytest.raises(OSError, match='No space left'):
        write_answer_report(answers, out / 'x.html')
    assert list(out.iterdir()) == []
