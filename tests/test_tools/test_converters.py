"""Converters of annotations: every form of every data set becomes rows of the one schema, without a loss."""

import importlib.util
import json

import pytest
from run_helpers import REPO

from mmvmr.datasets import AnnotationReader
from mmvmr.utils import read_jsonl
from mmvmr.utils.io import write_jsonl

DATA = REPO / 'tests' / 'data' / 'annotations'
#: Folder of the official files to its converter.
TOOLS = {
    'qvhighlights': 'qvhighlights',
    'charades_sta': 'charades_sta',
    'charades_cd': 'charades_cd',
    'tacos': 'tacos',
    'activitynet_captions': 'activitynet_captions',
    'tvsum': 'tvsum',
    'youtube_highlights': 'youtube_highlights',
}
FIRST = {'train': 0, 'val': 11071, 'test_iid': 11930, 'test_ood': 12753}


def tool(name, *arguments):
    """Run a tool in this process; returns its exit status."""
    spec = importlib.util.spec_from_file_location(name, REPO / 'tools' / 'dataset_converters' / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main([str(argument) for argument in arguments])


def converted(name, source, folder, *options):
    """Rows that a tool writes."""
    out = folder / 'new' / 'out.jsonl'
    assert tool(name, source, '--out', out, *options) == 0
    assert [path.name for path in out.parent.iterdir()] == ['out.jsonl']
    return read_jsonl(out)


def same(rows, others):
    """Rows agree in every field, in order, and in whether a number is an integer."""
    assert len(rows) == len(others)
    for row, other in zip(rows, others):
        assert json.dumps(row) == json.dumps(other)


# ---- forms of our own making, without third-party data


def test_na_vmr(tmp_path, capsys):
    """[0, 0] becomes no window; rows that repeat another in everything are left out; a real window is refused."""
    source = tmp_path / 'none.jsonl'
    row = dict(qid=7, query='an eagle hunts', duration=9.0, vid='A', relevant_windows=[[0, 0]])
    empty = dict(relevant_clip_ids=[], saliency_scores=[[]])
    write_jsonl(source, [{**row, **empty}, {**row, **empty}, {**row, 'qid': 'test8', 'vid': 'B', **empty}])
    rows = converted('na_vmr', source, tmp_path)
    same(rows, [{**row, 'qid': 'na_7', 'relevant_windows': []}, {**rows[1], 'qid': 'na_test8', 'vid': 'B'}])
    assert '1 rows repeat an earlier one' in capsys.readouterr().out
    assert len(AnnotationReader().read(tmp_path / 'new' / 'out.jsonl')) == 2
    write_jsonl(source, [row, {**row, 'qid': 9, 'relevant_windows': [[1, 3]]}])
    assert tool('na_vmr', source, '--out', tmp_path / 'other.jsonl') == 1
    assert f'{source}:2: relevant_windows is [[1, 3]], expected [[0, 0]]' in capsys.readouterr().out
    assert not (tmp_path / 'other.jsonl').exists()


def test_real_na_vmr(shared_dir, tmp_path):
    folder = shared_dir / 'data/annotations/na_vmr'
    if not folder.is_dir():
        pytest.skip('na_vmr absent')
    for name, count in {'val.in_domain': 855, 'val.out_of_domain': 336, 'train.out_of_domain': 940}.items():
        rows = converted('na_vmr', folder / f'charades_clip_{name}.jsonl', tmp_path)
        assert len(rows) == count and not any(row['relevant_windows'] for row in rows)


def test_real_qv_m2(shared_dir, tmp_path):
    """QV-M2 has the form of QVHighlights; its test split has windows and clips, and no ratings."""
    folder = shared_dir / 'data/annotations/qv_m2'
    if not folder.is_dir():
        pytest.skip('qv_m2 absent')
    for name, count in {'val': 1779, 'test': 323}.items():
        rows = converted('qvhighlights', folder / f'{name}.jsonl', tmp_path)
        assert len(rows) == count
        same(rows, read_jsonl(folder / f'{name}.jsonl'))


def test_charades_text(tmp_path):
    source, lengths = DATA / 'charades_sta.txt', DATA / 'charades_lengths.csv'
    rows = converted('charades_sta', source, tmp_path, '--durations', lengths, '--first-qid', 40)
    expected = [
        (40, 'a person opens the fridge.', 29.42, 'AAAA1', [[0.0, 6.9]]),
        (41, 'person sits down, then stands up.', 29.42, 'AAAA1', [[20.8, 29.42]]),
        (42, 'person throws a towel ## on the floor.', 30.83, 'BBBB2', [[1.1, 8.8]]),
    ]
    same(rows, [dict(zip(('qid', 'query', 'duration', 'vid', 'relevant_windows'), row)) for row in expected])
    kept = converted('charades_sta', source, tmp_path, '--durations', lengths, '--keep-ends')
    assert kept[1]['relevant_windows'] == [[20.8, 33.0]]


def test_charades_cd(tmp_path):
    rows = converted('charades_cd', DATA / 'charades_cd_test_ood.json', tmp_path, '--first-qid', 12753)
    assert [row['qid'] for row in rows] == [12753, 12754, 12755]
    assert rows[1] == dict(
        qid=12754, query='person sits down', duration=29.4375, vid='AAAA1', relevant_windows=[[20.8, 33.0]]
    )


def test_charades_cg(tmp_path):
    rows = converted('charades_cg', DATA / 'novel_word.json', tmp_path)
    assert [row['qid'] for row in rows] == ['novel_word_0', 'novel_word_1', 'novel_word_2']
    window = [[20.0, 32.0]]
    same(
        rows[2:],
        [
            dict(qid='novel_word_2', query='person briskly sits.', duration=30.83, vid='BBBB2', relevant_windows=window)
            | dict(news={'ADV': ['briskly']})
        ],
    )
    (row,) = converted('charades_cg', DATA / 'novel_composition.json', tmp_path, '--prefix', 'new')
    assert (row['qid'], row['novels']) == ('new_0', {'v-n': [['open', 'towel']]})


def test_tacos(tmp_path):
    rows = converted('tacos', DATA / 'tacos.json', tmp_path)
    assert [row['qid'] for row in rows] == ['s90-d01_0', 's90-d01_1', 's91-d02_0']
    assert rows[1] == dict(
        qid='s90-d01_1',
        query='She washed it',
        duration=7346 / 29.4,
        vid='s90-d01',
        relevant_windows=[[410 / 29.4, 500 / 29.4]],
    )


def test_activitynet(tmp_path):
    rows = converted('activitynet_captions', DATA / 'activitynet.json', tmp_path, '--first-qid', 37421)
    same(
        rows[1:],
        [
            dict(qid=37422, query=' He lifts.', duration=55.15, vid='v_one', relevant_windows=[[10.6, 39.84]]),
            dict(qid=37423, query='Rain falls on a café.', duration=73.1, vid='v_two', relevant_windows=[[0.28, 73.1]]),
        ],
    )


def test_tvsum(tmp_path):
    (tmp_path / 'domains.json').write_text('{"vidB": "BK"}')
    (tmp_path / 'val.txt').write_text('vidB\n')
    options = ('--domains', tmp_path / 'domains.json')
    rows = converted('tvsum', DATA / 'tvsum_anno.json', tmp_path, *options)
    label = [[1, 5, 2], [2, 2, 2], [4, 1, 1]]
    nothing = dict(relevant_clip_ids=None, relevant_windows=None)
    first = dict(qid='vidA', query='Change a tyre', duration=3, vid='vidA', **nothing, label=label, domain='VT')
    same(rows[:1], [first])
    (row,) = converted('tvsum', DATA / 'tvsum_anno.json', tmp_path, *options, '--only', tmp_path / 'val.txt')
    assert (row['vid'], row['domain'], row['duration']) == ('vidB', 'BK', 2)


def test_youtube(tmp_path):
    (tmp_path / 'domains.json').write_text('{"vidD": "dog"}')
    rows = converted('youtube_highlights', DATA / 'youtube_anno.json', tmp_path, '--domains', tmp_path / 'domains.json')
    nothing = dict(relevant_clip_ids=None, relevant_windows=None)
    first = dict(qid='vidC', query='surfing', duration=10.0, vid='vidC', **nothing, label=[[0], [1], [0]])
    clip = [[0, 100], [50, 150], [100, 200]]
    same(rows[:1], [first | dict(domain='surfing', frames=300, fps=30.0, clip=clip, match=[-1, 1, 0])])
    assert (rows[1]['query'], rows[1]['duration']) == ('dog', 6.0)


def test_ego4d(tmp_path, capsys):
    rows = converted('ego4d_nlq', DATA / 'nlq_train.json', tmp_path)
    assert 'left out 1 without a sentence, 1 without length' in capsys.readouterr().out
    expected = dict(qid='ann-1_0', query='Where was the spade?', duration=480.5, vid='clip-1')
    expected |= dict(relevant_windows=[[43.2, 58.8]], video_uid='video-1', template='Objects: Where is object X?')
    expected |= dict(slot_x='spade', verb_x='[verb_not_applicable]', video_start_sec=73.2, video_end_sec=88.8)
    same(rows, [expected])
    wide = converted('ego4d_nlq', DATA / 'nlq_train.json', tmp_path, '--widen', 2)
    assert (wide[1]['qid'], wide[1]['relevant_windows']) == ('ann-1_2', [[478.5, 480.5]])
    test = converted('ego4d_nlq', DATA / 'nlq_test_unannotated.json', tmp_path)
    assert [(row['qid'], row['vid'], row['duration']) for row in test] == [
        ('ann-2_0', 'clip-2', 300.0),
        ('ann-2_2', 'clip-2', 300.0),
    ]
    assert 'relevant_windows' not in test[0]


def test_qvhighlights(tmp_path):
    source = DATA / 'qvhighlights.jsonl'
    same(converted('qvhighlights', source, tmp_path), read_jsonl(source))


# ---- issues name file, place and field; nothing is written


@pytest.mark.parametrize(
    ('name', 'text', 'messages'),
    [
        (
            'charades_sta.txt',
            'A 1 2##x\nno separator\nZ 1 2##y\nA x 2##z\nA 5 4##w\n',
            [
                "charades_sta.txt:2: line is 'no separator', expected VIDEO START END##SENTENCE",
                "charades_sta.txt:3: duration of video 'Z' is not in the table of lengths",
                "charades_sta.txt:4: start is 'x', expected a number of seconds",
                'charades_sta.txt:5: relevant_windows[0] is [5.0, 4.0]: start is not before end',
            ],
        ),
        (
            'activitynet_captions.json',
            {
                'a': dict(duration=9, timestamps=[[0, 1]], sentences=['x', 'y']),
                'b': dict(timestamps=[[0, 1]], sentences=['x']),
                'c': dict(duration=9, timestamps=[[0, '1'], [5, 2], [0, 20]], sentences=['x', ' ', 'z']),
                'd': dict(duration=9, timestamps=[[0, 1]]),
            },
            [
                "captions.json: video 'a', sentence 1: timestamps has 1 elements for 2 sentences; write one per",
                "captions.json: video 'b', sentence 1: duration is missing; write seconds, or num_frames and fps",
                "captions.json: video 'c', sentence 1: timestamps is '1', expected a number of seconds",
                "captions.json: video 'c', sentence 2: query is ' ', expected a sentence",
                "captions.json: video 'c', sentence 2: timestamps is [5, 2]: start is not before end",
                "captions.json: video 'c', sentence 3: timestamps is [0, 20]: outside the video, which lasts 9 s",
                "captions.json: video 'd': sentences are null, expected a list",
            ],
        ),
        (
            'tacos.json',
            {'a.avi': dict(num_frames=9, fps=0, timestamps=[[0, 1]], sentences=['x'])},
            ['duration of the video is not known: fps is 0, expected a positive number'],
        ),
        (
            'youtube_highlights.json',
            {'a': dict(frames=9, fps=3, clip=[[0, 9]], match=[1, 0]), 'b': dict(domain='dog', frames=9, match=[2])},
            [
                "video 'a': domain is missing, write it, or give a table of domains".replace(', w', '; w'),
                "video 'a': clip has 1 clips for 2 of match",
                "video 'b': match is [2], expected a list of 1, 0 and -1",
                "video 'b': fps is null, expected a positive number",
            ],
        ),
        ('tvsum.json', {'a': dict(title='x')}, ["video 'a': anno is missing", "video 'a': domain is missing"]),
        (
            'ego4d_nlq.json',
            {
                'videos': [
                    dict(
                        video_uid='v',
                        clips=[
                            dict(
                                clip_uid='c',
                                clip_start_sec=0,
                                annotations=[
                                    dict(annotation_uid='a', language_queries=[dict(query='x', clip_start_sec=1)]),
                                    dict(language_queries=[dict(query=7)]),
                                ],
                            )
                        ],
                    )
                ]
            },
            [
                "clip 'c', annotation 'a', sentence 1: duration of the clip is not known",
                'sentence 1: clip_start_sec, clip_end_sec are (1, None), expected two numbers of seconds',
                'annotation None, sentence 1: annotation_uid is missing, and names the sentence; write it',
                'annotation None, sentence 1: query is 7, expected a sentence',
            ],
        ),
        (
            'qvhighlights.jsonl',
            '{"qid": 1, "query": "x", "duration": 10, "vid": "v", "relevant_windows": [[0, 4]], '
            '"relevant_clip_ids": [0], "saliency_scores": [[1, 2, 3]]}\n{"qid": 2,\n',
            [
                'qvhighlights.jsonl:1: relevant_clip_ids and relevant_windows disagree in 1 clips of 2.0 s, first',
                'qvhighlights.jsonl:2: line is not valid JSON',
            ],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.count('.') == 1 else '',
)
def test_all_issues_are_named(name, text, messages, tmp_path, capsys):
    source, out = tmp_path / name, tmp_path / 'out.jsonl'
    source.write_text(text if isinstance(text, str) else json.dumps(text))
    (tmp_path / 'lengths.json').write_text('{"A": 10}')
    options = ['--durations', tmp_path / 'lengths.json'] if name == 'charades_sta.txt' else []
    assert tool(source.stem, source, '--out', out, *options) == 1
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert len(lines) >= len(messages)
    for message in messages:
        assert sum(message in line for line in lines) == 1, (message, printed.out)
    assert 'nothing written; --fix cuts windows to the video, --drop leaves out the rest' in printed.err
    assert not out.exists()


def test_fix_and_drop(tmp_path, capsys):
    source = tmp_path / 'train.json'
    times = [[0, 20], [5, 2], [1, 2], [10, 12]]
    source.write_text(json.dumps({'c': dict(duration=9, timestamps=times, sentences=['cut', 'bad', 'good', 'gone'])}))
    rows = converted('activitynet_captions', source, tmp_path, '--fix', '--drop')
    assert [(row['query'], row['relevant_windows']) for row in rows] == [('cut', [[0, 9]]), ('good', [[1, 2]])]
    assert [row['qid'] for row in rows] == [0, 2], 'names do not move when a row goes'
    out = capsys.readouterr().out
    assert 'sentence 1: window [0, 20] cut to [0, 9], the video lasts 9 s' in out
    assert 'sentence 2: timestamps is [5, 2]: start is not before end; correct one of the two (left out)' in out
    assert 'sentence 4: window [10, 12] dropped, it is outside the video' in out
    assert 'sentence 4: left out, no window of it is left' in out


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['charades_sta', 'charades_sta.txt'], 'the text form does not say how long videos are; give --durations'),
        (['tacos', 'absent.json'], 'absent.json: no such file'),
        (['tacos', 'nlq_train.json'], 'expected one JSON object, name of the video to {duration, timestamps'),
        (['ego4d_nlq', 'tacos.json'], 'expected an object with `videos`'),
        (['tvsum', 'tvsum_anno.json', '--only', 'qvhighlights.jsonl'], 'names of the split are absent'),
    ],
)
def test_wrong_input_is_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(DATA)
    with pytest.raises(SystemExit) as stopped:
        tool(*arguments, '--out', tmp_path / 'out.jsonl')
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_the_source_is_never_written(tmp_path, capsys):
    source = tmp_path / 'a.jsonl'
    source.write_bytes((DATA / 'qvhighlights.jsonl').read_bytes())
    with pytest.raises(SystemExit):
        tool('qvhighlights', source, '--out', tmp_path / '.' / 'a.jsonl')
    assert 'is the input, which is never changed' in capsys.readouterr().err
    assert source.read_bytes() == (DATA / 'qvhighlights.jsonl').read_bytes()


# ---- against the official files


def official(shared_dir, name):
    path = shared_dir / 'data' / 'annotations' / name
    if not path.exists():
        pytest.skip(f'{path} absent')
    return path


OFFICIAL = [
    'qvhighlights/highlight_train_release.jsonl',
    'qvhighlights/highlight_val_release.jsonl',
    'qvhighlights/highlight_test_release.jsonl',
    'qvhighlights/highlight_test_with_gt.jsonl',
    'charades_sta/charades_train_release.jsonl',
    'charades_sta/charades_test_release.jsonl',
    'charades_cd/train.jsonl',
    'charades_cd/val.jsonl',
    'charades_cd/test_iid.jsonl',
    'charades_cd/test_ood.jsonl',
    'tacos/tacos_train_release.jsonl',
    'tacos/tacos_val_release.jsonl',
    'tacos/tacos_test_release.jsonl',
    'activitynet_captions/activitynet_val_release.jsonl',
    'tvsum/tvsum_train_release.jsonl',
    'tvsum/tvsum_val_release.jsonl',
    'youtube_highlights/youtube_highlight_train_release.jsonl',
    'youtube_highlights/youtube_highlight_val_release.jsonl',
]


@pytest.mark.parametrize('name', OFFICIAL)
def test_official_jsonl_is_kept(name, shared_dir, tmp_path):
    source = official(shared_dir, name)
    same(converted(TOOLS[source.parent.name], source, tmp_path), read_jsonl(source))


def test_official_charades_text_gives_the_official_jsonl(shared_dir, tmp_path):
    folder = official(shared_dir, 'charades_sta')
    expected = folder / 'charades_test_release.jsonl'
    options = ('--durations', expected, '--first-qid', 12404)
    same(converted('charades_sta', folder / 'charades_sta_test.txt', tmp_path, *options), read_jsonl(expected))


def by_video(rows, path, times='seconds', fps=29.4):
    """Write rows back into the form of one object per video."""
    videos = {}
    for row in rows:
        video = videos.setdefault(
            row['vid'] + ('.avi' if times == 'frames' else ''), {'timestamps': [], 'sentences': []}
        )
        if times == 'frames':
            video.update(num_frames=round(row['duration'] * fps), fps=fps)
        else:
            video['duration'] = row['duration']
        (window,) = row['relevant_windows']
        video['timestamps'].append([round(value * fps) for value in window] if times == 'frames' else window)
        video['sentences'].append(row['query'])
    path.write_text(json.dumps(videos))
    return path


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_frames_of_tacos_give_the_official_seconds(split, shared_dir, tmp_path):
    rows = read_jsonl(official(shared_dir, f'tacos/tacos_{split}_release.jsonl'))
    same(converted('tacos', by_video(rows, tmp_path / 'x.json', 'frames'), tmp_path), rows)


@pytest.mark.parametrize('split', ['val', 'test_iid', 'test_ood'])
def test_objects_of_charades_cd_give_the_official_jsonl(split, shared_dir, tmp_path):
    rows = read_jsonl(official(shared_dir, f'charades_cd/{split}.jsonl'))
    source = by_video(rows, tmp_path / 'x.json')
    same(converted('charades_cd', source, tmp_path, '--first-qid', FIRST[split]), rows)


def test_objects_of_activitynet_give_the_official_jsonl(shared_dir, tmp_path):
    rows = read_jsonl(official(shared_dir, 'activitynet_captions/activitynet_val_release.jsonl'))
    source = by_video(rows, tmp_path / 'x.json')
    same(converted('activitynet_captions', source, tmp_path, '--first-qid', 37421), rows)


@pytest.mark.parametrize(
    ('name', 'keys'), [('tvsum', 'domain'), ('youtube_highlights', 'domain frames fps clip match')]
)
def test_objects_of_highlights_give_the_official_jsonl(name, keys, shared_dir, tmp_path):
    stem = name.removesuffix('s') if name != 'tvsum' else name
    rows = [
        row
        for split in ('train', 'val')
        for row in read_jsonl(official(shared_dir, f'{name}/{stem}_{split}_release.jsonl'))
    ]
    videos = {row['vid']: {key: row[key] for key in keys.split()} for row in rows}
    if name == 'tvsum':
        for row in rows:
            videos[row['vid']].update(anno=row['label'], title=row['query'])
    (tmp_path / 'x.json').write_text(json.dumps(videos))
    same(converted(name, tmp_path / 'x.json', tmp_path), rows)


def test_what_converters_write_is_read(tmp_path):
    converted('charades_cd', DATA / 'charades_cd_test_ood.json', tmp_path)
    assert len(AnnotationReader(outside='clip').read(tmp_path / 'new' / 'out.jsonl')) == 3
