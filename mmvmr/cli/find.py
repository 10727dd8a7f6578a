"""Find the moments of a video that sentences describe.

    mmvmr find holiday.mp4 "a dog jumps into the water" "the child laughs" --report holiday.html
    mmvmr find holiday.mp4 --sentences questions.txt --checkpoint qd_detr.pth --export out --formats srt clips

Times are seconds of the file. The features of a video are kept, so the next question is answered at once.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from mmvmr.cli.arguments import add_choice, positive
from mmvmr.cli.finder_arguments import add_finder_arguments, build_finder, clock

if TYPE_CHECKING:
    from mmvmr.apis import Answers
    from mmvmr.apis.answers import Answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument('video', help='video file')
    parser.add_argument('sentence', nargs='*', default=[], help='what to find, one or many')
    parser.add_argument('--sentences', metavar='TXT', help='file with a sentence per line')
    parser.add_argument(
        '--top', type=positive, default=5, metavar='N', help='moments per sentence; default: %(default)s'
    )
    parser.add_argument('--json', action='store_true', help='print one JSON object per sentence instead of text')
    parser.add_argument('--report', metavar='HTML', help='write a page with the video and its moments')
    parser.add_argument('--embed', action='store_true', help='put the video into the page')
    parser.add_argument('--export', metavar='DIR', help='write files for other programs')
    add_choice(
        parser, '--formats', place='mmvmr.apis.exports:FORMATS', nargs='+', metavar='FORMAT',
        help='of --export: jsonl csv srt vtt edl chapters clips; default: jsonl',
    )  # fmt: skip
    parser.add_argument('--compare', metavar='PTH', help='a second model, shown next to the first in the report')
    add_finder_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Answer, print and write; see the module docstring."""
    from mmvmr.report import write_answer_report
    from mmvmr.utils.errors import UserError

    if (args.compare or args.embed) and not args.report:
        raise UserError('--compare and --embed are about the page: add --report PAGE.html')
    if args.formats and not args.export:
        raise UserError('--formats says what --export writes: add --export DIR')
    sentences = [*args.sentence, *(read_sentences(args.sentences) if args.sentences else [])]
    if not sentences:
        raise UserError('no sentence was given: mmvmr find VIDEO "what to find", or --sentences FILE')
    finder = build_finder(args, max_moments=args.top)
    answers = finder.encode(args.video).find(*sentences)
    print_answers(answers, args.json)
    if args.export:
        for path in answers.export(args.export, args.formats or ['jsonl']):
            print(f'wrote {path}')
    if args.report:
        models = [answers]
        if args.compare:
            second = argparse.Namespace(**{**vars(args), 'checkpoint': args.compare, 'spec': None})
            other = build_finder(second, max_moments=args.top)
            models.append(other.encode(args.video).find(*sentences))
        print(f'wrote {write_answer_report(models, Path(args.report), args.embed)}')
    return 0


def existence(answer: Answer) -> str:
    """Verdict of the existence head, in words; empty for models without one."""
    if answer.probability is None:
        return ''
    verdict = 'not in this video' if answer.absent else 'in this video'
    return f': {verdict} (probability of a moment {answer.probability:.2f})'


def read_sentences(path: str) -> list[str]:
    """The lines of a text file that are not empty.

    Args:
        path: The file, in UTF-8.

    Returns:
        One sentence per line.

    Raises:
        UserError: If the file has no sentence.
        ValueError: If it is not UTF-8.
    """
    from mmvmr.utils.errors import UserError
    from mmvmr.utils.io import read_text, text_lines

    sentences = [line.strip() for line in text_lines(read_text(path)) if line.strip()]
    if not sentences:
        raise UserError(f'{path}: holds no sentence, expected one per line')
    return sentences


def print_answers(answers: Answers, as_json: bool) -> None:
    """Print the moments of all sentences.

    Args:
        answers: The answers.
        as_json: One JSON object per line instead of text.
    """
    if as_json:
        for answer in answers:
            moments = [{'start': m.start, 'end': m.end, 'score': m.score} for m in answer.moments]
            row = {'video': answers.name, 'query': answer.query, 'moments': moments}
            if answer.probability is not None:
                row.update(probability=round(answer.probability, 4), absent=answer.absent)
            print(json.dumps(row, ensure_ascii=False))
        return
    print(f'{answers.name} ({clock(answers.duration)}), {answers.model}')
    for note in answers.notes:
        print(f'note: {note}')
    for answer in answers:
        print(f'\n"{answer.query}"' + existence(answer))
        for rank, moment in enumerate(answer.moments, start=1):
            print(f'  {rank:>2}  {clock(moment.start):>9} - {clock(moment.end):<9} score {moment.score:.2f}')
        if not answer.moments:
            print('  nothing found')
