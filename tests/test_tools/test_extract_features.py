"""Features of small videos, from the command line to the stores."""

import json
import re

import numpy as np
import pytest
from test_features import toys  # noqa: F401
from test_features.painted import blank_packets, write_sound, write_video
from test_features.tiny_models import PROJECTED, TOKENS, write_clip

from mmvmr.cli.main import main
from mmvmr.datasets import FolderStore, MomentDataset
from mmvmr.features.decoding import VideoReader
from mmvmr.features.extractors import CLIPImageExtractor

pytest.importorskip('av')
LENGTHS = {'one': 3.0, 'two': 2.6}
SPEC = """
feature_spec = dict(streams=dict(number=dict(dim=1)), text=dict(dim=2), clip_len=1.0)
extractors = dict(number=dict(type='NumberExtractor', batch_clips=2), text=dict(type='LetterExtractor'))
"""


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    """Two good videos of 10 frames per second; a file per kind of damage in another folder."""
    root = tmp_path_factory.mktemp('videos')
    for folder in ('good', 'bad'):
        (root / folder).mkdir()
    for name, length in LENGTHS.items():
        write_video(root / 'good' / f'{name}.mp4', np.arange(round(length * 10)) / 10, length)
    blank_packets(root / 'bad' / 'damaged.mp4', root / 'good' / 'one.mp4', [12])
    whole = (root / 'good' / 'one.mp4').read_bytes()
    (root / 'bad' / 'truncated.mp4').write_bytes(whole[:400])
    write_sound(root / 'bad' / 'sound.mkv', np.zeros(8000, np.int16))
    return root


@pytest.fixture(scope='module')
def annotations(tmp_path_factory):
    path = tmp_path_factory.mktemp('annotations') / 'train.jsonl'
    rows = [
        dict(qid=1, query='opens the door', vid='one', duration=3.0, relevant_windows=[[0, 2]]),
        dict(qid=2, query='sits', vid='one', duration=3.0, relevant_windows=[[1, 3]]),
        dict(qid=3, query='sits', vid='two', duration=2.6, relevant_windows=[[1, 2]]),
    ]
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    return path


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / 'numbers.py'
    path.write_text(SPEC)
    return path


def extract(*args):
    return main(['extract', *map(str, args)])


def files(folder):
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in sorted(folder.rglob('*.npz'))}


def test_videos_and_queries(tmp_path, videos, annotations, spec, capsys):
    out = tmp_path / 'out'
    assert extract(videos / 'good', '--spec', spec, '--out', out, '--queries', annotations) == 0
    said = capsys.readouterr()
    assert '3 sentences encoded' in said.out
    assert '2 videos extracted, 0 failed' in said.out
    assert said.err == ''  # progress is for terminals
    store = FolderStore('number_features', data_root=out)
    assert store.read({'vid': 'one', 'qid': 1}).tolist() == [[0], [10], [20]]
    assert store.read({'vid': 'two', 'qid': 1}).tolist() == [[0], [10], [20]]
    with np.load(out / 'text_features' / 'qid1.npz') as words:
        assert words['last_hidden_state'].tolist() == [[5, ord('o')], [3, ord('t')], [4, ord('d')]]
        assert words['pooler_output'].shape == (2,)
        assert {words[key].dtype for key in ('last_hidden_state', 'pooler_output')} == {np.dtype(np.float16)}
    assert not (out / 'failures.jsonl').exists()
    assert not list(out.rglob('*.tmp*'))

    before = files(out)
    assert extract(videos / 'good', '--spec', spec, '--out', out, '--queries', annotations) == 0
    assert files(out) == before  # nothing is made twice
    said = capsys.readouterr().out
    assert '2 videos, 2 of them done already' in said
    assert '3 sentences, 3 of them done already' in said


def test_going_on_makes_what_is_absent_or_damaged(tmp_path, videos, spec, capsys):
    out = tmp_path / 'out'
    assert extract(videos / 'good', '--spec', spec, '--out', out) == 0
    before = files(out)
    damaged = out / 'number_features' / 'one.npz'
    damaged.write_bytes(damaged.read_bytes()[:-40])
    assert extract(videos / 'good', '--spec', spec, '--out', out) == 0
    assert 'one.npz: it cannot be read' in capsys.readouterr().err
    after = files(out)
    assert after['number_features/two.npz'] == before['number_features/two.npz']
    assert len(FolderStore('number_features', data_root=out).read({'vid': 'one', 'qid': 1})) == 3


def test_bad_files_are_reported_and_the_rest_goes_on(tmp_path, videos, spec, capsys):
    out = tmp_path / 'out'
    assert extract(videos, '--spec', spec, '--out', out) == 1
    said = capsys.readouterr()
    assert '2 videos extracted, 3 failed' in said.out
    lines = [line for line in said.err.splitlines() if line.startswith('failed: ')]
    assert len(lines) == 3
    for name, message in {
        'damaged.mp4': 'a packet after 1.10 s cannot be decoded',
        'sound.mkv': 'holds no video stream, only: audio',
        'truncated.mp4': 'cannot be opened as a video',
    }.items():
        assert sum(name in line and message in line for line in lines) == 1, name
    failures = [json.loads(line) for line in (out / 'failures.jsonl').read_text().splitlines()]
    assert [row['vid'] for row in failures] == ['damaged', 'sound', 'truncated']
    assert sorted(files(out)) == ['number_features/one.npz', 'number_features/two.npz']

    assert extract(videos / 'bad' / 'damaged.mp4', '--spec', spec, '--out', out, '--keep-damaged') == 0
    assert '1 damaged packets were left out' in capsys.readouterr().err
    assert not (out / 'failures.jsonl').exists()


@pytest.mark.slow
def test_several_processes(tmp_path, videos, spec):
    spec.write_text(SPEC + "custom_imports = dict(imports=['test_features.toys'])\n")
    common = [videos, '--spec', spec, '--out']
    assert extract(*common, tmp_path / 'single') == 1
    assert extract(*common, tmp_path / 'several', '--jobs', 2) == 1
    names = sorted(files(tmp_path / 'single'))
    assert names == sorted(files(tmp_path / 'several')) == ['number_features/one.npz', 'number_features/two.npz']
    for name in names:
        with np.load(tmp_path / 'single' / name) as one, np.load(tmp_path / 'several' / name) as other:
            np.testing.assert_array_equal(one['features'], other['features'])
    lists = [(tmp_path / name / 'failures.jsonl').read_text() for name in ('single', 'several')]
    assert lists[0] == lists[1]


def test_clip(tmp_path, videos, annotations):
    """A shipped specification, with a checkpoint in the real format."""
    checkpoint = write_clip(tmp_path / 'clip')
    options = [f'feature_spec.streams.clip.dim={PROJECTED}', f'feature_spec.text.dim={TOKENS}']
    options += [f'extractors.{name}.model={checkpoint}' for name in ('clip', 'text')]
    out = tmp_path / 'out'
    args = ['--spec', 'clip_b32_2s', '--out', out, '--queries', annotations, '--cfg-options', *options]
    assert extract(videos / 'good' / 'one.mp4', *args) == 0
    vectors = FolderStore('clip_features', data_root=out).read({'vid': 'one', 'qid': 1})
    assert vectors.shape == (2, PROJECTED)  # 3 s: the second clip is half there
    frames = CLIPImageExtractor(str(checkpoint), clip_len=2.0)
    ((_, _, frame),) = VideoReader(videos / 'good' / 'one.mp4').frames(np.array([1.0]))
    expected = frames(frames.prepare(frame)[None, None]).numpy()
    np.testing.assert_allclose(vectors[:1], expected, rtol=2e-3, atol=1e-4)
    with np.load(out / 'clip_text_features' / 'qid1.npz') as text:
        assert text['last_hidden_state'].shape == (12, TOKENS)  # nine letters, "the", start and end
        assert text['pooler_output'].shape == (PROJECTED,)


def test_networks_that_cannot_be_built_end_the_run(tmp_path, videos, spec, capsys):
    with pytest.raises(SystemExit) as ended:
        extract(
            videos, '--spec', spec, '--out', tmp_path / 'out', '--cfg-options', 'extractors.number.frames_per_clip=3'
        )
    assert ended.value.code == 2
    assert 'extractors.number makes vectors of 3 numbers' in capsys.readouterr().err


def test_the_features_train(tmp_path, videos, annotations, spec):
    out = tmp_path / 'out'
    assert extract(videos / 'good', '--spec', spec, '--out', out, '--queries', annotations) == 0
    dataset = MomentDataset(
        ann_file=str(annotations),
        data_root=str(out),
        feature_spec=json.loads((out / 'feature_spec.json').read_text()),
        stores=dict(
            number=dict(type='FolderStore', folder='number_features'),
            text=dict(type='FolderStore', folder='text_features', template='qid{qid}.npz'),
        ),
        pipeline=dict(
            load=dict(type='LoadMomentFeatures'),
            targets=dict(type='BuildMomentTargets', labels=dict(type='MomentLabels')),
            tef=dict(type='AppendTEF'),
            pack=dict(type='PackMomentInputs'),
        ),
    )
    sample = dataset[2]
    assert sample['inputs']['video'].shape == (3, 3)
    assert sample['inputs']['text'].shape == (1, 2)


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['--spec', 'nothing', '--out', 'x'], '--spec nothing: no such config, and none of the shipped ones: clip_b32'),
        (
            ['--spec', 'clip_b32_2s', '--out', 'x', '--cfg-options', 'extractors.clip=3'],
            '2s.py: extractors.clip has no',
        ),
    ],
)
def test_wrong_specs(videos, args, message, capsys):
    with pytest.raises(SystemExit) as ended:
        extract(videos / 'good', *args)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ('row', 'message'),
    [
        ({'qid': 4, 'query': ' '}, "annotation 4: expected .qid. and a .query. that is not empty, found 4, ' '"),
        ({'query': 'x'}, 'annotation 4: expected'),
        ({'qid': 'a/b', 'query': 'x'}, "qid 'a/b' cannot be the name of a file: it holds '/'"),
        ({'qid': 1, 'query': 'x'}, "qid 1 stands for 'x' here and for 'opens the door' before"),
    ],
)
def test_wrong_queries(tmp_path, annotations, spec, row, message, capsys):
    path = tmp_path / 'wrong.jsonl'
    path.write_text(annotations.read_text() + json.dumps(row) + '\n')
    with pytest.raises(SystemExit):
        extract('--spec', spec, '--out', tmp_path / 'out', '--queries', path)
    assert re.search(message, capsys.readouterr().err)
    assert not (tmp_path / 'out').exists()


def test_the_features_of_another_sentence_are_not_taken_for_done(tmp_path, annotations, spec, capsys):
    out, path = tmp_path / 'out', tmp_path / 'renumbered.jsonl'
    assert extract('--spec', spec, '--out', out, '--queries', annotations) == 0
    with np.load(out / 'text_features' / 'qid1.npz') as words:
        assert str(words['query']) == 'opens the door'
    path.write_text('{"qid": 4, "query": "runs"}\n{"qid": 1, "query": "opens the window"}\n')
    before = files(out)
    with pytest.raises(SystemExit, match='2'):
        extract('--spec', spec, '--out', out, '--queries', path)
    message = "these are the features of 'opens the door', and qid 1 stands for 'opens the window' now"
    assert message in capsys.readouterr().err
    assert files(out) == before
    (out / 'text_features' / 'qid1.npz').unlink()
    assert extract('--spec', spec, '--out', out, '--queries', path) == 0


def test_no_folder_is_begun_for_a_device_that_is_not_there(tmp_path, annotations, spec):
    with pytest.raises(SystemExit, match='2'):
        extract('--spec', spec, '--out', tmp_path / 'out', '--queries', annotations, '--device', 'cpo')
    assert not (tmp_path / 'out').exists()


def test_a_file_without_sentences_is_told(tmp_path, spec, capsys):
    (tmp_path / 'empty.jsonl').write_text('')
    with pytest.raises(SystemExit, match='2'):
        extract('--spec', spec, '--out', tmp_path / 'out', '--queries', tmp_path / 'empty.jsonl')
    assert 'empty.jsonl: the file is empty, expected lines with "qid" and "query"' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()
