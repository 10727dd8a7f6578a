"""browse_dataset.py: numbers against counts by hand, figures that hold something."""

import re

import matplotlib.image
import numpy as np
import pytest
from planted_data import config, make_rows, write
from run_helpers import REPO

from mmvmr.cli.main import main
from mmvmr.preparation.statistics import statistics, summary
from mmvmr.utils.io import write_jsonl
from mmvmr.visualization import draw_distributions, draw_examples, draw_locations

ROWS = [
    dict(qid=1, vid='a', query="The man's dog runs.", duration=20.0, relevant_windows=[[0, 5], [10, 20]]),
    dict(qid=2, vid='a', query='A dog, a DOG!', duration=20.0, relevant_windows=[[5, 15]], saliency_scores=[[1]]),
    dict(qid=3, vid='b', query='It sleeps', duration=60.0, relevant_windows=[]),
    dict(qid=4, vid='c', query='no label', duration=30.0),
]


def test_numbers():
    part = statistics('train', ROWS)
    assert (part.queries, part.durations.tolist(), part.queries_per_video.tolist()) == (4, [20, 60, 30], [2, 1, 1])
    assert part.moments_per_query.tolist() == [2, 1, 0]
    assert part.lengths.tolist() == [5, 10, 10]
    assert part.relative.tolist() == [[0, 0.25], [0.5, 1], [0.25, 0.75]]
    assert part.relative_lengths.tolist() == [0.25, 0.5, 0.5]
    assert part.words_per_query.tolist() == [4, 4, 2, 2]
    assert part.words["man's"] == 1
    assert part.frequent_words(2) == [('dog', 3), ('label', 1)]
    assert part.rated == 1
    table = {line[0]: line[1] for line in summary([part])}
    assert table['moments'] == '3'
    assert table['length of a moment (s)'] == 'mean 8.33, median 10, 5 to 10'
    assert table['... that occur once'] == '7'


def test_windows_past_the_end_stay_in_the_map():
    part = statistics('train', [dict(ROWS[0], relevant_windows=[[15, 25]])])
    assert part.relative.tolist() == [[0.75, 1]]
    assert part.lengths.tolist() == [10]


def test_nothing_labelled():
    part = statistics('train', ROWS[3:])
    assert len(part.windows) == len(part.moments_per_query) == 0
    assert ['length of a moment (s)', '-'] in summary([part])


def ink(path):
    """Different colours of a picture."""
    picture = matplotlib.image.imread(path)
    return len(np.unique(picture.reshape(-1, picture.shape[-1]), axis=0))


@pytest.fixture
def run(capsys):
    def run(*args, code=None):
        words = ['browse', *map(str, args)]
        if code is None:
            assert main(words) == 0
        else:
            with pytest.raises(SystemExit) as end:
                main(words)
            assert end.value.code == code
        return ''.join(capsys.readouterr())

    return run


@pytest.fixture
def planted(tmp_path):
    write(tmp_path)
    config(tmp_path).dump(str(tmp_path / 'config.py'))
    return tmp_path


@pytest.mark.slow
def test_tool(planted, run):
    rows = make_rows('train')
    rows[3]['duration'] = None
    write_jsonl(planted / 'train.jsonl', rows)
    (planted / 'a' / 'v0.npz').unlink()  # only annotations are read
    text = run(planted / 'config.py', '--split', 'train', 'val', '--out', planted / 'out', '--examples', 2)
    assert 'left out: train: annotations: 1 of 12 rows' in text
    assert '| queries                           | 11 ' in text
    names = ['distributions.png', 'examples_train.png', 'examples_val.png', 'locations.png']
    assert sorted(path.name for path in (planted / 'out').iterdir()) == names
    assert all(ink(planted / 'out' / name) > 20 for name in names)
    assert text.splitlines()[-1] == str(planted / 'out' / 'examples_val.png')


def test_highlights_alone(planted, run):
    rows = [dict(row, label=[[1]] * 10) for row in make_rows('train')]
    for row in rows:
        del row['relevant_windows']
    write_jsonl(planted / 'train.jsonl', rows)
    text = run(planted / 'config.py', '--out', planted / 'out')
    assert 'no split has moments: locations and examples are not drawn' in text
    assert [path.name for path in (planted / 'out').iterdir()] == ['distributions.png']


def test_generated_data(tmp_path, run):
    options = ['train_dataloader.dataset.num_videos=5']
    text = run(
        REPO / 'configs/sa_detr/sa_detr_synthetic.py', '--out', tmp_path, '--examples', 1, '--cfg-options', *options
    )
    assert ink(tmp_path / 'examples_train.png') > 20
    assert '| videos                            | 5 ' in text


def test_what_cannot_be_read(planted, run):
    assert 'error: the config has no test_dataloader' in run(
        planted / 'config.py', '--split', 'test', '--out', planted / 'out', code=2
    )
    (planted / 'val.jsonl').unlink()
    text = run(planted / 'config.py', '--split', 'val', '--out', planted / 'out', code=2)
    assert 'val.jsonl: no such file' in text


def test_page(planted, run):
    (planted / 'videos').mkdir()
    (planted / 'videos' / 'v4.mp4').write_bytes(b'')
    options = ['--page', planted / 'page.html', '--videos', planted / 'videos', '--show', 'spread', '--count', 3]
    text = run(planted / 'config.py', '--split', 'train', 'val', *options)
    assert text.splitlines()[-1] == str(planted / 'page.html')
    content = (planted / 'page.html').read_text()
    assert '"title":"config: train, val","models":[]' in content and '"src":"videos/v4.mp4"' in content
    assert re.findall('"name":"(v.)"', content) == ['v1', 'v4', 'v7']  # queries 3, 9 and 15 of 18
    assert content.count('"answers":[],"truth":[[8.0,14.0]]') == 3
    assert 'nothing to write: add --out DIR' in run(planted / 'config.py', code=2)
    text = run(planted / 'config.py', '--page', planted / 'page.html', '--show', 'worst', code=2)
    assert 'worst needs predictions' in text


def test_nothing_to_draw(tmp_path):
    part = statistics('train', ROWS[3:])
    for draw in (
        lambda: draw_locations([part], tmp_path / 'a.png'),
        lambda: draw_examples(ROWS[2:], tmp_path / 'a.png'),
    ):
        with pytest.raises(ValueError, match='to draw'):
            draw()
    with pytest.raises(ValueError, match='no split to draw'):
        draw_distributions([], tmp_path / 'a.png')
