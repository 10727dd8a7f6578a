"""Windows, merging, exports and the zero-shot detector, with numbers computed by hand."""

import csv
import json
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmvmr.apis import MomentFinder
from mmvmr.apis.answers import Answer, Answers, Moment
from mmvmr.apis.windows import MergedPredictions, Window, cut_windows
from mmvmr.models.detectors import SimilarityDetector
from mmvmr.models.task_modules.nms import SoftNMS


def test_windows_cover_the_video():
    assert cut_windows(7, None) == [Window(0, 7)]
    assert cut_windows(7, 7) == [Window(0, 7)]
    assert cut_windows(11, 4, overlap=0.5) == [Window(0, 4), Window(2, 6), Window(4, 8), Window(6, 10), Window(7, 11)]
    assert cut_windows(8, 4, overlap=0.0) == [Window(0, 4), Window(4, 8)]
    with pytest.raises(ValueError, match='overlap=1'):
        cut_windows(8, 4, overlap=1.0)


def test_merging_shifts_windows_and_averages_saliency():
    merged = MergedPredictions(6)
    merged.add(Window(0, 4), 0.0, np.array([[1.0, 3.0]]), np.array([0.5]), np.array([1.0, 1, 1, 1]))
    merged.add(Window(2, 6), 4.0, np.array([[0.0, 2.0], [1.0, 2.0]]), np.array([0.9, 0.2]), np.array([3.0, 3, 3, 3]))
    np.testing.assert_array_equal(merged.saliency, [1, 1, 2, 2, 3, 3])
    spans, scores = merged.ranked(SoftNMS(threshold=0.3, max_predictions=2), 2)
    np.testing.assert_array_equal(spans, [[4, 6], [1, 3]])  # the third, inside the first, is lowered by soft-NMS
    np.testing.assert_array_equal(scores, [0.9, 0.5])


def test_moments_end_with_the_video():
    """The float32 number of 30.62 is 30.6200008..., after the end."""
    merged = MergedPredictions(31)
    spans = np.array([[2.345678, 30.62], [1.0, 30.62]], np.float32)
    merged.add(Window(0, 31), 0.0, spans, np.array([0.83, 0.5], np.float32), None)
    video = SimpleNamespace(duration=30.62, clips=31, clip_len=1.0)
    answer = MomentFinder._answer(SimpleNamespace(max_moments=5), video, 'x', merged, None)
    assert answer.moments == (Moment(2.3457, 30.62, 0.83), Moment(1.0, 30.62, 0.5))
    video.duration = 30.61996  # four digits would be after the end
    answer = MomentFinder._answer(SimpleNamespace(max_moments=5), video, 'x', merged, None)
    assert [moment.end for moment in answer.moments] == [30.61996] * 2


@pytest.fixture
def answers():
    times = np.stack((np.arange(4), np.arange(4) + 1), axis=1)
    first = Answer('a <b> & c', (Moment(1.5, 61.0, 0.75), Moment(0.0, 1.0, 0.5)), times, np.array([0.0, 1, 2, 4]))
    return Answers('my video', 3725.25, (first, Answer('two; words', (Moment(0.04, 2.0, 0.25),), times)))


def test_saliency_is_scaled(answers):
    np.testing.assert_array_equal(answers[0].saliency, [0, 0.25, 0.5, 1])
    assert answers[1].saliency is None
    flat = Answer('x', (), answers[0].times, np.ones(4))
    np.testing.assert_array_equal(flat.saliency, np.zeros(4))


def test_text_exports(answers, tmp_path):
    files = answers.export(tmp_path / 'new', ['jsonl', 'csv', 'srt', 'vtt', 'edl', 'chapters'])
    text = {path.suffix: path.read_text(encoding='utf-8') for path in files}
    rows = [json.loads(line) for line in text['.jsonl'].splitlines()]
    assert rows[0]['pred_relevant_windows'] == [[1.5, 61.0, 0.75], [0.0, 1.0, 0.5]]
    assert rows[0]['pred_saliency_scores'] == [0, 1, 2, 4] and 'pred_saliency_scores' not in rows[1]
    table = list(csv.reader(text['.csv'].splitlines()))
    assert table[1] == ['my video', 'a <b> & c', '1', '1.5', '61.0', '0.75'] and len(table) == 4
    assert text['.srt'].startswith('1\n00:00:00,000 --> 00:00:01,000\na <b> & c (0.50)\n\n2\n00:00:00,040 -->')
    assert '00:00:01.500 --> 00:01:01.000\na &lt;b&gt; &amp; c (0.75)' in text['.vtt']
    assert '002  AX       V     C        00:00:00:01 00:00:02:00 00:00:01:00 00:00:02:24' in text['.edl']
    assert 'START=40\nEND=2000\ntitle=two\\; words' in text['.txt']


def test_edit_lists_count_frames_of_the_video(tmp_path):
    """29.97 frames a second are counted as 30: seconds 1 and 10 are frames 29.97 and 299.7."""
    av = pytest.importorskip('av')
    source = tmp_path / 'film.mp4'
    with av.open(str(source), 'w') as out:
        stream = out.add_stream('mpeg4', rate=Fraction(30000, 1001))
        stream.width = stream.height = 32
        for _ in range(3):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format='rgb24')))
        out.mux(stream.encode(None))
    answer = Answer('a', (Moment(1.0, 10.0, 0.5),), np.zeros((1, 2)))
    [path] = Answers('film', 20.0, (answer,), source).export(tmp_path, ['edl'])
    lines = path.read_text().splitlines()
    assert '* FRAMES PER SECOND: 29.97' in lines
    [event] = [line.split()[4:] for line in lines if line[:3].isdigit()]
    assert event == ['00:00:01:00', '00:00:10:00', '00:00:00:00', '00:00:09:00']  # frames 30 (29.97) and 300 (299.7)


def test_edit_lists_count_whole_frames(tmp_path):
    # 0.41 s and 1.43 s are frames 10.25 and 35.75: 10 and 36, 26 frames for 1.02 s, which alone would be 25.5 frames.
    moments = (Moment(0.41, 1.43, 0.5), Moment(1.5, 2.51, 0.5))  # the second from frame 37.5 (38) to 62.75 (63)
    [path] = Answers('x', 4.0, (Answer('a', moments, np.zeros((1, 2))),)).export(tmp_path, ['edl'])
    events = [line.split()[4:] for line in path.read_text().splitlines() if line[:3].isdigit()]
    assert events == [
        ['00:00:00:10', '00:00:01:11', '00:00:00:00', '00:00:01:01'],
        ['00:00:01:13', '00:00:02:13', '00:00:01:01', '00:00:02:01'],
    ]


def test_export_of_the_best_only_and_refusals(answers, tmp_path):
    [path] = answers.export(tmp_path, ['csv'], top=1)
    assert len(path.read_text().splitlines()) == 3
    with pytest.raises(ValueError, match=r"unknown formats \['doc'\]"):
        answers.export(tmp_path, ['doc'])
    with pytest.raises(ValueError, match='clips need the video file'):
        answers.export(tmp_path, ['clips'])


def _similarity(curve, **options):
    """A detector and inputs whose similarity to the sentence is +-1 by the sign of the curve."""
    detector = SimilarityDetector(centre=False, **options)
    video = torch.tensor(curve, dtype=torch.float32)[None, :, None] * torch.tensor([1.0, 0.0])
    mask = torch.ones(1, len(curve), dtype=torch.bool)
    text = torch.tensor([[[2.0, 0.0]]])
    return detector, {'video': video, 'video_mask': mask, 'text': text, 'text_mask': torch.ones(1, 1, dtype=torch.bool)}


def test_best_window_of_a_similarity_curve():
    detector, inputs = _similarity([-1, -1, 1, 1, 1, 1, -1, -1], max_clips=6)
    final = detector.predict_sets(inputs).final
    # The mean is 0, so four clips of similarity 1 score 4 / sqrt(4) = 2, and quality 2 / 3.
    torch.testing.assert_close(final.spans[0, 0], torch.tensor([0.5, 0.5]))
    torch.testing.assert_close(final.quality[0, 0].item(), 2 / 3)
    # Next: three of them (3 / sqrt(3)) before five clips with one of -1 (3 / sqrt(5)).
    torch.testing.assert_close(final.quality[0, 1].item(), 3**0.5 / (1 + 3**0.5))


def test_similarity_ignores_padding_and_shares_videos():
    detector, inputs = _similarity([-1, 1, 1, -1])
    alone = detector.predict_sets(inputs)
    inputs['video'] = torch.cat((inputs['video'], torch.full((1, 3, 2), 9.0)), dim=1)
    inputs['video_mask'] = torch.tensor([[True] * 4 + [False] * 3])
    padded = detector.predict_sets(inputs)
    torch.testing.assert_close(padded.final.spans[0, 0], alone.final.spans[0, 0])
    assert padded.saliency[0, 4:].eq(0).all()
    shared = {**inputs, 'text': inputs['text'].repeat(2, 1, 1), 'text_mask': inputs['text_mask'].repeat(2, 1)}
    shared['text'][1] *= -1
    outputs = detector.predict_sets({**shared, 'video_index': torch.tensor([0, 0])})
    torch.testing.assert_close(outputs.saliency[0], -outputs.saliency[1])


def test_similarity_refuses_what_cannot_be_compared():
    detector, inputs = _similarity([1, -1])
    with pytest.raises(ValueError, match='clips have 2 dimensions and text tokens 3'):
        detector.predict_sets({**inputs, 'text': torch.ones(1, 1, 3)})
    with pytest.raises(ValueError, match='nothing to train'):
        detector(inputs, mode='loss')
    with pytest.raises(ValueError, match='min_clips=5'):
        SimilarityDetector(min_clips=5, max_clips=4)
