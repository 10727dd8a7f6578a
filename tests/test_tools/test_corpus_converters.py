"""Converters of data sets whose sentences are to be found in a collection."""

import pytest
from test_converters import converted, same, tool

from mmvmr.datasets import AnnotationReader
from mmvmr.utils import read_jsonl
from mmvmr.utils.io import write_jsonl

TVR = dict(vid_name='show_s01e02_seg02_clip_19', duration=61.46, ts=[11.06, 15.37], desc='She sits.', type='v')
FIG = dict(video='AB', time=[11.6, 29.7], desc_id=65, duration=28.0, cog_desc='she sits.', fig_desc='She sits in red.')


def test_tvr(tmp_path, capsys):
    source = tmp_path / 'tvr_val_release.jsonl'
    write_jsonl(source, [{**TVR, 'desc_id': 90200}, {**TVR, 'desc_id': 90201, 'type': 'vt', 'ts': [0, 1]}])
    rows = converted('tvr', source, tmp_path)
    first = dict(qid=90200, query='She sits.', duration=61.46, vid=TVR['vid_name'], type='v')
    same(rows, [
        {**first, 'relevant_windows': [[11.06, 15.37]]},
        {**first, 'qid': 90201, 'type': 'vt', 'relevant_windows': [[0, 1]]},
    ])  # fmt: skip
    assert len(AnnotationReader().read(tmp_path / 'new' / 'out.jsonl')) == 2
    hidden = {key: value for key, value in TVR.items() if key not in ('vid_name', 'ts')}
    bad = [{**hidden, 'desc_id': 1}, {**TVR, 'desc_id': 2, 'ts': [3]}, {**TVR, 'desc_id': 3, 'ts': [9, 4]}]
    write_jsonl(source, bad)
    assert tool('tvr', source, '--out', tmp_path / 'other.jsonl') == 1
    said = capsys.readouterr().out
    assert f'{source}:1: vid_name is missing' in said and f'{source}:2: ts is [3], expected [start, end]' in said
    assert f'{source}:3: ts' in said and not (tmp_path / 'other.jsonl').exists()


def test_charades_fig(tmp_path, capsys):
    """Windows end with the video; qids are new; either sentence; videos of another file only."""
    source = tmp_path / 'test.jsonl'
    write_jsonl(source, [FIG, {**FIG, 'desc_id': 66, 'video': 'CD', 'time': [1, 2]}])
    row = dict(qid='fig_65', query='She sits in red.', duration=28.0, vid='AB', relevant_windows=[[11.6, 28.0]])
    other = {**row, 'qid': 'fig_66', 'vid': 'CD', 'relevant_windows': [[1, 2]]}
    same(converted('charades_fig', source, tmp_path), [row, other])
    same(
        converted('charades_fig', source, tmp_path, '--sentence', 'cog_desc', '--prefix', ''),
        [{**row, 'qid': '65', 'query': 'she sits.'}, {**other, 'qid': '66', 'query': 'she sits.'}],
    )
    write_jsonl(tmp_path / 'val.jsonl', [{'vid': 'CD'}])
    capsys.readouterr()
    same(converted('charades_fig', source, tmp_path, '--videos', tmp_path / 'val.jsonl'), [other])
    assert '1 of 2 rows are about other videos' in capsys.readouterr().out
    videos = tmp_path / 'bare.jsonl'
    write_jsonl(videos, [{'vid': 'CD'}, {'qid': 1}])
    for out, message in ((tmp_path / 'other.jsonl', 'row 2 has no vid'), (videos, 'is the input')):
        with pytest.raises(SystemExit):
            tool('charades_fig', source, '--videos', videos, '--out', out)
        assert message in capsys.readouterr().err
    write_jsonl(source, [{**FIG, 'fig_desc': None}])
    assert tool('charades_fig', source, '--out', tmp_path / 'other.jsonl') == 1
    assert f'{source}:1: fig_desc is missing' in capsys.readouterr().out


def test_real_charades_fig(shared_dir, tmp_path):
    """The moments are those of the published test split of Charades-STA, whose durations are a little shorter."""
    data = shared_dir / 'data'
    source = data / 'annotations/charades_fig/test.jsonl'
    if not source.is_file():
        pytest.skip('charades_fig absent')
    rows = converted('charades_fig', source, tmp_path, '--sentence', 'cog_desc')
    published = read_jsonl(data / 'annotations/charades_sta/charades_test_release.jsonl')
    described = {}
    for row in published:
        described.setdefault((row['vid'], row['query'], row['relevant_windows'][0][0]), []).append(row)
    assert len(rows) == 3720
    others = 0
    for row in rows:
        (start, end), key = row['relevant_windows'][0], (row['vid'], row['query'])
        near = [truth['relevant_windows'][0][1] for truth in described.get((*key, start), ())]
        others += not any(abs(end - true) <= 0.5 for true in near)
    assert others == 1  # a sentence that was split differently
    assert len(converted('charades_fig', source, tmp_path, '--videos', data / 'charades_clip/val.jsonl')) == 855
