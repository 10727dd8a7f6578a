"""Run the benchmarks that fit ten minutes on one core, and write one page of ratios.

    python tools/analysis_tools/benchmark_page.py [--out build/benchmarks.md]

Every ratio is between two ways that took turns within one process; seconds of a machine mean nothing on another one and
are not on the page. The page names the commands, which print the rest.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from doc_sections import table

from mmvmr.utils import atomic_write
from mmvmr.utils.io import read_json
from mmvmr.version import __version__

HERE = Path(__file__).resolve().parent
FIND = '--model zero-shot mmn_clip_charades qd_detr_clip_charades snag_qvhl --sentences 1 10 100 --videos 50 --rounds 2'
LONG = '--model zero-shot qd_detr_clip_charades --clips 75 750 7500 --sentences 1 --rounds 2'
STEP = 'qd_detr/qd_detr_clip_charades.py sa_detr/sa_detr_clip_charades.py td_detr/td+qd_detr_clip_charades.py'


def processor() -> str:
    """Kind of the processor, without its address in a data centre."""
    info = Path('/proc/cpuinfo')
    lines = info.read_text(encoding='utf-8').splitlines() if info.is_file() else []
    return next((line.split(':')[1].strip() for line in lines if line.startswith('model name')), platform.machine())


def parts(run: Any) -> Iterator[tuple[str, str, str, str]]:
    """Title, command, explanation and table of every benchmark.

    Args:
        run: Runs the words of a command of mmvmr, or of a script, and returns its figures.
    """
    figures = run('mmvmr', ['benchmark', 'find', *FIND.split(), '--device', 'cpu'])
    rows = [
        (*name.split(': '), f'{entry["ratio"]:.1f}', f'{1 / entry["operations"]:.2f}' if entry['operations'] else '-')
        for name, entry in figures.items()
    ]
    head = ('model', 'sentences x videos', 'times as fast', 'times fewer operations')
    text = 'Pairs answered together, against one forward pass per pair of the same model.'
    yield 'Answering', f'mmvmr benchmark find {FIND}', text, table(head, rows)
    figures = run('mmvmr', ['benchmark', 'long', *LONG.split(), '--device', 'cpu'])
    rows = []
    for name, entry in figures.items():
        model, size = name.split(': ')
        clips = int(size.split()[0])
        first = figures[f'{model}: 75 x 1']
        seconds, memory = (entry[key] / first[key] for key in ('seconds', 'peak_mb'))
        rows.append((model, f'{clips:,}', f'{clips / 75:g}', f'{seconds:.1f}', f'{memory:.2f}'))
    text = 'Time and peak memory of a process that answers one sentence, as multiples of those for 75 clips.'
    head = ('model', 'clips', 'times the clips', 'times the time', 'times the memory')
    yield 'Long videos', f'mmvmr benchmark long {LONG}', text, table(head, rows)
    configs = [f'configs/{name}' for name in STEP.split()]
    options = ['--precision', 'fp32', '--batch', '16', '--rounds', '3', '--json', '--device', 'cpu']
    rows = run('benchmark.py', [*(str(HERE.parents[1] / name) for name in configs), *options])['rows']
    cells = [(Path(row['config']).stem, f'{1 / row["ratio"]:.2f}', f'{row["memory ratio"]:.2f}') for row in rows]
    command = f'python tools/analysis_tools/benchmark.py {" ".join(configs)} {" ".join(options)}'
    text = 'A training step against that of the first config.'
    yield 'Training steps', command, text, table(('config', 'times the time', 'times the memory'), cells)


def figures_of(program: str, words: Sequence[str]) -> dict[str, Any]:
    """Run a benchmark.

    Args:
        program: ``mmvmr``, or a script of this folder that prints JSON.
        words: Its command line.

    Returns:
        Its figures.

    Raises:
        SystemExit: If it fails; what it said is on the screen.
    """
    print(program, *words, file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / 'figures.json'
        if program == 'mmvmr':
            subprocess.run([sys.executable, '-m', program, *words, '--out', str(out)], check=True, stdout=sys.stderr)
            return read_json(out)
        command = [sys.executable, str(HERE / program), *words]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def main() -> None:
    """Measure and write; see the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--out', type=Path, default=Path('build/benchmarks.md'), help='default: %(default)s')
    args = parser.parse_args()
    pages = [
        '# Benchmarks',
        f'Made by `make benchmark` on one core of a machine with {processor()}; mmvmr {__version__}, '
        f'torch {torch.__version__}, float32. Random features and weights, which do not change the work.',
    ]
    try:
        for title, command, text, cells in parts(figures_of):
            pages += [f'## {title}', text, f'```bash\n{command}\n```', cells]
    except subprocess.CalledProcessError as error:
        sys.exit(f'error: {" ".join(map(str, error.cmd))}: exit status {error.returncode}')
    with atomic_write(args.out) as path:
        path.write_text('\n\n'.join(pages) + '\n', encoding='utf-8')
    print(f'wrote {args.out}')


if __name__ == '__main__':
    main()
