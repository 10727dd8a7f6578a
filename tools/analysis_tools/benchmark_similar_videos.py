"""Time and memory of the search for similar videos, compared with the dense method of the official TD-DETR code.

    python tools/analysis_tools/benchmark_similar_videos.py [--videos 300 1000 10000 100000] [--memory 1GB]

Every method and size runs in a separate process, one after the other. Times are processor time without the making of
the synthetic videos; memory is the peak of the process above what it has after the imports. A case that would take
longer than the budget is timed on a part and scaled up (marked ~); one that does not fit gets the memory that it needs.

The official method is written here anew as its code does it: annotation rows instead of videos, all features in one
padded tensor, blocks of 35 x 35 rows, the 50 largest of all clip-by-clip products by ``topk``, and for the sampler a
matrix of twice the rows squared. Both run on one thread of the CPU.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from terminaltables import AsciiTable

from mmvmr.datasets import SimilarVideos
from mmvmr.datasets.samplers.similarity import PooledSimilarity, TopClipSimilarity
from mmvmr.datasets.samplers.similarity_search import find_similar
from mmvmr.utils.memory import memory_size, memory_text

METHODS = ('official', 'top_clips', 'pooled', 'faiss')
BLOCK = 35  # of the official code
TOP_K = 50


class Corpus:
    """Synthetic videos around topics, made when they are read; the time that this takes is kept apart.

    Args:
        count: Number of videos.
        clips: Clips of a video.
        dim: Dimension of a clip, in one stream.
    """

    def __init__(self, count: int, clips: int, dim: int) -> None:
        self.count, self.clips, self.dim = count, clips, dim
        self.topics = np.random.default_rng(0).standard_normal((max(8, count // 100), dim), np.float32)
        self.seconds = 0.0

    def read(self, index: int) -> np.ndarray:
        """A video, (clips, dim), unit vectors."""
        start = time.process_time()
        rng = np.random.default_rng((1, index))
        video = self.topics[rng.integers(len(self.topics))] + rng.standard_normal(self.dim, np.float32)
        video = video + rng.standard_normal((self.clips, self.dim), np.float32)
        video /= np.linalg.norm(video, axis=1, keepdims=True)
        self.seconds += time.process_time() - start
        return video


def official(corpus: Corpus, args: argparse.Namespace, out: Path) -> dict[str, Any]:
    """The dense matrix over annotation rows; returns the share that was computed within the budget."""
    rows = [video for video in range(corpus.count) for _ in range(args.rows)]
    needed = 2 * len(rows) * corpus.clips * corpus.dim * 4 + (1 + 4) * len(rows) ** 2 * 4
    blocks = [(i, j) for i in range(0, len(rows), BLOCK) for j in range(0, len(rows), BLOCK)]
    if needed > args.fits or len(blocks) > 1000:  # a part is timed, for which a few videos are enough
        part = torch.from_numpy(np.stack([corpus.read(rows[i]) for i in range(BLOCK)]))
        timer = Timer(corpus, args.budget)
        done = 0
        while not timer.is_over():
            official_block(part, part)
            done += 1
        return {'share': done / len(blocks), 'seconds': timer.elapsed(), 'needed': needed, 'fits': needed <= args.fits}
    read = [torch.from_numpy(corpus.read(video)) for video in rows]
    features = torch.zeros(len(rows), corpus.clips, corpus.dim)
    for target, video in zip(features, read):
        target[: len(video)] = video
    timer = Timer(corpus, args.budget)
    matrix = torch.zeros(len(rows), len(rows))
    for i, j in blocks:
        matrix[i : i + BLOCK, j : j + BLOCK] = official_block(features[i : i + BLOCK], features[j : j + BLOCK])
    of_the_sampler = torch.zeros(2 * len(rows), 2 * len(rows))
    of_the_sampler[: len(rows), : len(rows)] = matrix
    np.save(out, matrix.numpy()[:: args.rows, :: args.rows])
    return {'share': 1.0, 'seconds': timer.elapsed(), 'needed': needed, 'fits': True}


def official_block(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Similarities of two blocks of rows, one stream."""
    products = torch.matmul(first.unsqueeze(1), second.transpose(1, 2))
    return products.flatten(start_dim=2).topk(50, dim=2).values.sum(dim=2) / 50


def top_clips(corpus: Corpus, args: argparse.Namespace, out: Path) -> dict[str, Any]:
    """The official measure over unique videos, in blocks."""
    return exact(corpus, args, out, TopClipSimilarity())


def pooled(corpus: Corpus, args: argparse.Namespace, out: Path) -> dict[str, Any]:
    """The pooled measure, exactly."""
    return exact(corpus, args, out, PooledSimilarity())


def exact(corpus: Corpus, args: argparse.Namespace, out: Path, measure: Any) -> dict[str, Any]:
    """A blocked search; of fewer videos where the budget does not allow all pairs."""
    timer, memory = Timer(corpus, args.budget), memory_size(args.memory)
    seconds = 5e-8 if measure.compact else 2 * corpus.clips**2 * corpus.dim / 2e10  # of a pair, about
    count = corpus.count
    if count**2 / 2 * seconds > 3 * args.budget:
        count = min(count, max(50, int((2 * args.budget / seconds) ** 0.5)))
    found = find_similar(range(count), corpus.read, measure, TOP_K, memory=memory)
    if count == corpus.count:
        found.save(out)
    return {'share': (count / corpus.count) ** 2, 'seconds': timer.elapsed()}


def faiss(corpus: Corpus, args: argparse.Namespace, out: Path) -> dict[str, Any]:
    """The pooled measure, approximately."""
    timer, memory = Timer(corpus, args.budget), memory_size(args.memory)
    find_similar(range(corpus.count), corpus.read, PooledSimilarity(), TOP_K, memory=memory, faiss={}).save(out)
    return {'share': 1.0, 'seconds': timer.elapsed()}


class Timer:
    """Processor time without the making of the videos."""

    def __init__(self, corpus: Corpus, budget: float) -> None:
        self.corpus, self.budget = corpus, budget
        self.start = time.process_time() - corpus.seconds

    def elapsed(self) -> float:
        """Seconds so far."""
        return time.process_time() - self.corpus.seconds - self.start

    def is_over(self) -> bool:
        """Whether the budget is used up."""
        return self.elapsed() > self.budget


def case(method: str, count: int, args: argparse.Namespace, out: Path, sender: Any) -> None:
    """Run one method on one corpus, in a separate process."""
    torch.set_num_threads(1)
    corpus = Corpus(count, args.clips, args.dim)
    official_block(*2 * [torch.zeros(2, 8, args.dim)])  # libraries allocate at the first product
    if method == 'faiss':
        __import__('faiss')
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        found = globals()[method](corpus, args, out)
    except (ImportError, ValueError) as error:
        sender.send({'error': str(error)})
        return
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024  # Linux counts in kilobytes
    sender.send({**found, 'peak': peak, 'making': corpus.seconds})


def run(args: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """All cases, one after the other.

    Args:
        args: The command line.
        folder: Folder of the results.

    Returns:
        One row per case.
    """
    context = multiprocessing.get_context('spawn')
    rows = []
    for count in args.videos:
        for method in args.methods:
            if method == 'top_clips' and count > 20_000:
                continue  # a part of it says nothing new
            out = folder / f'{method}_{count}.{"npy" if method == "official" else "npz"}'
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=case, args=(method, count, args, out, sender))
            process.start()
            sender.close()  # so that the end of the process ends the waiting
            try:
                result = receiver.recv()
            except EOFError:
                result = {'error': 'the process was killed: too little memory?'}
            process.join()
            rows.append({'videos': count, 'method': method, **result})
            print(json.dumps(rows[-1]), flush=True)
    return rows


def agreement(method: str, count: int, folder: Path) -> str:
    """How far a result agrees with the exact one of the same measure."""
    found, dense = folder / f'{method}_{count}.npz', folder / f'official_{count}.npy'
    if method == 'faiss' and (exact := folder / f'pooled_{count}.npz').exists() and found.exists():
        a, b = SimilarVideos.load(found).indices, SimilarVideos.load(exact).indices
        return f'{np.mean([len({*x} & {*y}) / len(y) for x, y in zip(a.tolist(), b.tolist())]):.1%} of pooled'
    if method == 'top_clips' and dense.exists() and found.exists():
        matrix = np.load(dense)
        np.fill_diagonal(matrix, -1)
        best = -np.sort(-matrix, axis=1)[:, :10]
        return f'best ten {np.abs(SimilarVideos.load(found).similarities[:, :10] - best).max():.1e} from official'
    return ''


def table(rows: list[dict[str, Any]], args: argparse.Namespace, folder: Path) -> list[list[str]]:
    """The report, with the ratio to the official method at the same size."""
    lines = [['videos', 'method', 'time', 'memory', 'official / this', 'agreement']]
    whole = {(row['videos'], row['method']): row['seconds'] / row['share'] for row in rows if 'error' not in row}
    for row in rows:
        count, method = row['videos'], row['method']
        if 'error' in row:
            lines.append([f'{count:,}', method, row['error'], '', '', ''])
            continue
        seconds, base = whole[count, method], whole.get((count, 'official'))
        scaled = '' if row['share'] == 1 else '~'
        memory = memory_text(row['peak'])
        if method == 'official' and row['share'] < 1:
            memory = f'needs {memory_text(row["needed"])}' + ('' if row['fits'] else ', does not fit')
        ratio = '' if base is None else f'{base / seconds:,.0f}'
        lines.append(
            [f'{count:,}', method, f'{scaled}{seconds:,.1f} s', memory, ratio, agreement(method, count, folder)]
        )
    return lines


def main() -> None:
    """Run the benchmark; see the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--videos', type=int, nargs='+', default=[300, 1000, 10_000, 100_000])
    parser.add_argument('--methods', nargs='+', choices=METHODS, default=METHODS)
    parser.add_argument('--rows', type=int, default=2, help='annotation rows per video (default: %(default)s)')
    parser.add_argument('--clips', type=int, default=75)
    parser.add_argument('--dim', type=int, default=512)
    parser.add_argument('--memory', default='1GB', help='bound of the blocked search (default: %(default)s)')
    parser.add_argument('--fits', default='8GB', help='what the dense method may use here (default: %(default)s)')
    parser.add_argument('--budget', type=float, default=60, help='seconds for a part of a long case')
    args = parser.parse_args()
    args.fits = memory_size(args.fits)
    with tempfile.TemporaryDirectory() as folder:
        rows = run(args, Path(folder))
        print(
            f'{args.clips} clips x {args.dim}, {args.rows} annotation rows per video, one thread, bound {args.memory}'
        )
        print(AsciiTable(table(rows, args, Path(folder))).table)


if __name__ == '__main__':
    main()
