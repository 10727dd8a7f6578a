"""Moments as files of other programs: subtitles, edit lists, chapters, tables, video clips."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmvmr.utils.io import atomic_write, write_jsonl

if TYPE_CHECKING:
    from mmvmr.apis.answers import Answers, Moment

#: Frames per second of edit decision lists, which count frames, where the video file does not say its own.
EDL_RATE = Fraction(25)


def export_answers(answers: Answers, folder: Path, formats: Sequence[str], top: int | None = None) -> list[Path]:
    """Write answers in several formats; see :meth:`mmvmr.apis.Answers.export`."""
    if unknown := [name for name in formats if name not in FORMATS]:
        raise ValueError(f'export: unknown formats {unknown}, expected some of {list(FORMATS)}')
    if 'clips' in formats and answers.path is None:
        raise ValueError('export: clips need the video file, but these answers were made from features')
    folder.mkdir(parents=True, exist_ok=True)
    stem = safe_name(answers.name)
    written = []
    for name in dict.fromkeys(formats):
        if name == 'clips':
            written += _write_clips(answers, folder, stem, top)
        elif name == 'jsonl':
            written.append(folder / f'{stem}.jsonl')
            write_jsonl(written[-1], _rows(answers, top))
        else:
            suffix, content = _TEXT_FORMATS[name]
            written.append(folder / f'{stem}{suffix}')
            with atomic_write(written[-1]) as tmp:
                tmp.write_text(content(answers, top), encoding='utf-8', newline='')
    return written


def safe_name(text: str, longest: int = 60) -> str:
    """A file name made of letters, digits, ``-``, ``_`` and ``.``.

    Args:
        text: Any text, in any script.
        longest: Characters at most.

    Returns:
        The name; never empty, never hidden.
    """
    return re.sub(r'[^\w.-]+', '_', text).strip('._')[:longest] or 'video'


def _rows(answers: Answers, top: int | None) -> Iterator[dict[str, Any]]:
    for number, answer in enumerate(answers):
        row: dict[str, Any] = {
            'qid': number,
            'vid': answers.name,
            'query': answer.query,
            'pred_relevant_windows': [[m.start, m.end, m.score] for m in answer.moments[:top]],
        }
        if answer.probability is not None:
            row['pred_exist_score'] = round(answer.probability, 6)
        if answer.raw_saliency is not None:
            row['pred_saliency_scores'] = [round(float(value), 4) for value in answer.raw_saliency]
        yield row


def _by_time(answers: Answers, top: int | None) -> list[tuple[Moment, str]]:
    """Moments of all sentences in the order of the video."""
    moments = [(moment, answer.query) for answer in answers for moment in answer.moments[:top]]
    return sorted(moments, key=lambda item: (item[0].start, item[0].end))


def _clock(seconds: float, mark: str) -> str:
    """``hours:minutes:seconds<mark>milliseconds``."""
    milliseconds = round(seconds * 1000)
    remainder, milliseconds = divmod(milliseconds, 1000)
    minutes, second = divmod(remainder, 60)
    return f'{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}{mark}{milliseconds:03d}'


def _one_line(text: str) -> str:
    return ' '.join(text.split())


def _csv(answers: Answers, top: int | None) -> str:
    stream = io.StringIO()
    table = csv.writer(stream)
    table.writerow(['video', 'query', 'rank', 'start', 'end', 'score'])
    for answer in answers:
        for rank, moment in enumerate(answer.moments[:top], start=1):
            table.writerow([answers.name, answer.query, rank, moment.start, moment.end, moment.score])
    return stream.getvalue()


def _srt(answers: Answers, top: int | None) -> str:
    blocks = []
    for number, (moment, query) in enumerate(_by_time(answers, top), start=1):
        span = f'{_clock(moment.start, ",")} --> {_clock(moment.end, ",")}'
        blocks.append(f'{number}\n{span}\n{_one_line(query)} ({moment.score:.2f})\n')
    return '\n'.join(blocks)


def _vtt(answers: Answers, top: int | None) -> str:
    blocks = ['WEBVTT\n']
    for moment, query in _by_time(answers, top):
        # Cue text is markup: <, > and & are written as entities.
        text = _one_line(query).replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')
        blocks.append(f'{_clock(moment.start, ".")} --> {_clock(moment.end, ".")}\n{text} ({moment.score:.2f})\n')
    return '\n'.join(blocks)


def _frame_rate(video: Path | None) -> Fraction:
    """Frames per second that a video file states."""
    if video is None:
        return EDL_RATE
    try:
        import av

        with av.open(str(video)) as container:
            stream = next(iter(container.streams.video), None)
            return (stream and stream.average_rate) or EDL_RATE
    except (ImportError, OSError):  # an edit list is text, and needs neither PyAV nor the video
        return EDL_RATE


def _timecode(frames: int, rate: Fraction) -> str:
    """Hours, minutes, seconds and frames; 29.97 frames a second are counted as 30."""
    whole, frame = divmod(frames, max(round(rate), 1))
    minutes, second = divmod(whole, 60)
    return f'{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}:{frame:02d}'


def _edl(answers: Answers, top: int | None) -> str:
    """A CMX3600 list of cuts at the frame rate of the video, the moments one after the other on the record side.

    Times are rounded to frames first: an event is as long on the record side as in its source.
    """
    rate = _frame_rate(answers.path)
    lines = [f'TITLE: {safe_name(answers.name)}', 'FCM: NON-DROP FRAME', f'* FRAMES PER SECOND: {float(rate):g}', '']
    at = 0
    for number, (moment, query) in enumerate(_by_time(answers, top), start=1):
        first, end = round(moment.start * rate), round(moment.end * rate)
        source = f'{_timecode(first, rate)} {_timecode(end, rate)}'
        record = f'{_timecode(at, rate)} {_timecode(at + end - first, rate)}'
        lines.append(f'{number:03d}  AX       V     C        {source} {record}')
        lines.append(f'* FROM CLIP NAME: {answers.path.name if answers.path else answers.name}')
        lines.append(f'* COMMENT: {_one_line(query)}')
        at += end - first
    return '\n'.join(lines) + '\n'


def _chapters(answers: Answers, top: int | None) -> str:
    """Chapters in the metadata format of ffmpeg: ``ffmpeg -i VIDEO -i FILE -map_metadata 1 -codec copy OUT``."""
    lines = [';FFMETADATA1']
    for moment, query in _by_time(answers, top):
        title = re.sub(r'([=;#\\])', r'\\\1', _one_line(query))
        bounds = f'START={round(moment.start * 1000)}\nEND={round(moment.end * 1000)}'
        lines.append(f'[CHAPTER]\nTIMEBASE=1/1000\n{bounds}\ntitle={title}')
    return '\n'.join(lines) + '\n'


_TEXT_FORMATS: dict[str, tuple[str, Callable[[Answers, int | None], str]]] = {
    'csv': ('.csv', _csv),
    'srt': ('.srt', _srt),
    'vtt': ('.vtt', _vtt),
    'edl': ('.edl', _edl),
    'chapters': ('.chapters.txt', _chapters),
}
#: Formats of :func:`export_answers`.
FORMATS = (*_TEXT_FORMATS, 'jsonl', 'clips')


def _write_clips(answers: Answers, folder: Path, stem: str, top: int | None) -> list[Path]:
    from mmvmr.apis.cutting import cut_video  # needs PyAV

    written = []
    for number, answer in enumerate(answers, start=1):
        for rank, moment in enumerate(answer.moments[:top], start=1):
            target = folder / f'{stem}_{number:03d}_{safe_name(answer.query, 40)}_{rank:02d}.mp4'
            cut_video(answers.path, target, moment.start, moment.end)  # type: ignore[arg-type]  # checked above
            written.append(target)
    return written
