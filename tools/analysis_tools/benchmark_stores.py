"""Time the data loader of training on the feature stores, compared with the official way of reading.

    python tools/analysis_tools/benchmark_stores.py [--items 7218] [--workers 0 1] [--rounds 3]

Features of the shape of QVHighlights (75 x 2304 and 75 x 512 per video, 32 x 512 per sentence, float16 in npz as
published) are made in a temporary folder, one video per item, and packed. The stores are read through the training data
set of `configs/qd_detr/qd_detr_qvhl.py` and padded by the preprocessor; the official way (Moment-DETR and the codes
after it) is written here anew, plainly: per item and stream np.load, a cast to float32 and the normalisation, then TEF
and targets, padded by the collate function. Each loader keeps its processes and goes through the data once before the
clock starts, so all files are in the page cache if they fit: the last column tells what was read from the disk all the
same. The rounds of the loaders take turns. The clock depends on what else runs on the machine; the processor time of
the busiest process, which is the limit where every process has its own processor, hardly does. Memory is that of
the training process and its loading processes (proportional set size): their own, and mapped files, which all
processes share and the system takes back when it needs room.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from terminaltables import AsciiTable
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

from mmvmr.datasets import moment_collate
from mmvmr.models.data_preprocessor import MomentDataPreprocessor
from mmvmr.preparation.feature_packing import PackSource, write_pack
from mmvmr.registry import DATASETS
from mmvmr.utils.cli import RUN_ERRORS, UserError, load_config, one_line_errors
from mmvmr.utils.io import read_jsonl, write_jsonl
from mmvmr.utils.paths import configs_dir
from mmvmr.utils.setup import register_all_modules

CLIPS, TOKENS, CLIP_LEN = 75, 32, 2.0
DIMS = {'slowfast': 2304, 'clip': 512}
ANN_FILE = 'highlight_train_release.jsonl'
OFFICIAL = 'official way'


class OfficialDataset(Dataset):
    """Items as the official code makes them.

    Args:
        root: Folder of annotations and features.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.rows = read_jsonl(root / ANN_FILE)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        row = self.rows[index]
        streams = [self.features(f'{name}_features/{row["vid"]}.npz', 'features', CLIPS) for name in DIMS]
        length = min(map(len, streams))
        video = torch.from_numpy(np.concatenate([stream[:length] for stream in streams], axis=1))
        start = torch.arange(0, length, 1.0) / length
        video = torch.cat([video, torch.stack([start, start + 1.0 / length], dim=1)], dim=1)
        text = self.features(f'clip_text_features/qid{row["qid"]}.npz', 'last_hidden_state', TOKENS)
        return {'video': video, 'text': torch.from_numpy(text), **self.targets(row, length)}

    def features(self, path: str, key: str, longest: int) -> np.ndarray:
        """Vectors of a file, normalised."""
        vectors = np.load(self.root / path)[key][:longest].astype(np.float32)
        return vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-5)

    def targets(self, row: dict[str, Any], length: int) -> dict[str, Tensor]:
        """Spans, ratings, and clips of the ranking losses."""
        windows = list(row['relevant_windows'])
        if len(windows) > 5:
            random.shuffle(windows)
        spans = torch.Tensor(windows[:5]) / (length * CLIP_LEN)
        clips, total = row['relevant_clip_ids'], np.array(row['saliency_scores']).sum(1)
        ratings = np.zeros(length)
        ratings[clips] = total
        order = np.argsort(total)
        others = sorted(set(range(length)) - set(clips))
        high = [clips[order[-1]], random.sample(clips, k=1)[0]]
        low = [clips[order[0]], random.sample(others, k=1)[0]]
        spans = torch.stack([spans.sum(-1) * 0.5, spans[:, 1] - spans[:, 0]], dim=-1)
        return {
            'spans': spans,
            'saliency': torch.from_numpy(ratings),
            'high': torch.tensor(high),
            'low': torch.tensor(low),
        }


def official_collate(items: list[dict[str, Tensor]]) -> dict[str, Any]:
    """Pad features and ratings, make masks."""
    batch: dict[str, Any] = {'spans': [item['spans'] for item in items]}
    for name in ('video', 'text', 'saliency'):
        batch[name] = pad_sequence([item[name] for item in items], batch_first=True)
        batch[f'{name}_mask'] = pad_sequence([torch.ones(len(item[name])) for item in items], batch_first=True)
    return {**batch, **{name: torch.stack([item[name] for item in items]) for name in ('high', 'low')}}


def make_data(root: Path, items: int) -> None:
    """Write annotations and feature files; 16 different arrays take turns."""
    rng = np.random.default_rng(0)
    shapes = {name: (CLIPS, dim) for name, dim in DIMS.items()} | {'clip_text': (TOKENS, 512)}
    arrays = {n: [rng.standard_normal(shape).astype(np.float16) for _ in range(16)] for n, shape in shapes.items()}
    for name in shapes:
        (root / f'{name}_features').mkdir()
    rows = []
    for i in range(items):
        for name in DIMS:
            np.savez(root / f'{name}_features' / f'v{i}.npz', features=arrays[name][i % 16])
        words = arrays['clip_text'][i % 16]
        np.savez(root / 'clip_text_features' / f'qid{i}.npz', last_hidden_state=words, pooler_output=words[0])
        first, length = int(rng.integers(0, 50)), int(rng.integers(3, 25))
        clips = list(range(first, first + length))
        rows.append(
            {
                'qid': i,
                'query': f'a person does something of kind {i}',
                'vid': f'v{i}',
                'duration': CLIPS * CLIP_LEN,
                'relevant_windows': [[CLIP_LEN * first, CLIP_LEN * (first + length)]],
                'relevant_clip_ids': clips,
                'saliency_scores': rng.integers(0, 5, (length, 3)).tolist(),
            }
        )
    write_jsonl(root / ANN_FILE, rows)


def datasets(root: Path) -> Iterator[tuple[str, Any]]:
    """The training data set of a shipped config on each store; packs are made on the way."""
    config = load_config(str(configs_dir() / 'qd_detr' / 'qd_detr_qvhl.py')).train_dataloader.dataset
    config.update(data_root=str(root), ann_file=ANN_FILE)
    folder = DATASETS.build(config)
    yield 'folder of npz', folder
    for dtype in ('float16', 'float32'):
        write_pack(root / dtype, PackSource(folder.stores, folder.feature_spec, dtype=dtype), folder.rows)
        yield f'packed, {dtype}', DATASETS.build({**config, 'stores': {'packed': dtype}})


class Round(NamedTuple):
    """What a pass through the data took.

    Attributes:
        speed: Items per second.
        busiest: Processor seconds per item of the busiest process.
        disk: Bytes that came from the disk.
    """

    speed: float
    busiest: float
    disk: int


class Loader:
    """A data loader with running processes, timed round by round.

    Args:
        dataset: What to load.
        workers: Loading processes.
        args: The command line.
    """

    def __init__(self, dataset: Any, workers: int, args: argparse.Namespace) -> None:
        official = isinstance(dataset, OfficialDataset)
        # The preprocessor of training pads; the official collate function has padded already.
        self.pad = (lambda batch: batch) if official else MomentDataPreprocessor()
        self.loader = DataLoader(
            dataset,
            args.batch_size,
            shuffle=True,
            num_workers=workers,
            collate_fn=official_collate if official else moment_collate,
            persistent_workers=workers > 0,
            multiprocessing_context=args.start if workers else None,
        )
        self.items = len(dataset)
        self.rounds: list[Round] = []
        self.run()
        parts = [proportional_memory(pid) for pid in self.processes()]
        self.memory = [sum(part) for part in zip(*parts)]

    def processes(self) -> list[int]:
        """The training process and its loading processes."""
        workers = getattr(self.loader._iterator, '_workers', [])
        return [os.getpid(), *(worker.pid for worker in workers)]

    def run(self) -> None:
        """Go through the data once."""
        for batch in self.loader:
            self.pad(batch)

    def round(self) -> None:
        """Go through the data once, timed."""
        processes = self.processes()
        disk, busy = sum(map(disk_bytes, processes)), [processor_seconds(pid) for pid in processes]
        clock = time.perf_counter()
        self.run()
        clock = time.perf_counter() - clock
        busiest = max(processor_seconds(pid) - before for pid, before in zip(processes, busy)) / self.items
        self.rounds.append(Round(self.items / clock, busiest, sum(map(disk_bytes, processes)) - disk))


def processor_seconds(pid: int) -> float:
    """Processor time of a process, its threads included."""
    fields = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def disk_bytes(pid: int) -> int:
    """Bytes that a process has read from the disk."""
    lines = dict(line.split(': ') for line in Path(f'/proc/{pid}/io').read_text().splitlines())
    return int(lines['read_bytes'])


def proportional_memory(pid: int) -> tuple[float, float]:
    """Own memory and mapped files of a process in MiB; what n processes share counts 1/n for each."""
    lines = (line.split() for line in Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines()[1:])
    sizes = {words[0]: int(words[1]) / 1024 for words in lines}
    return sizes['Pss_Anon:'] + sizes['Pss_Shmem:'], sizes['Pss_File:']


def table(loaders: dict[str, Loader]) -> str:
    """Medians of the rounds, and how many times the official way."""
    rounds = {name: loader.rounds for name, loader in loaders.items()}
    speed = {name: statistics.median(r.speed for r in each) for name, each in rounds.items()}
    busiest = {name: statistics.median(r.busiest for r in each) for name, each in rounds.items()}
    lines = [['', 'items per second', 'times', 'busiest process', 'times', 'memory', 'from disk']]
    for name, loader in loaders.items():
        own, mapped = loader.memory
        range_ = min(r.speed for r in rounds[name]), max(r.speed for r in rounds[name])
        lines.append(
            [
                name,
                f'{speed[name]:.0f} ({range_[0]:.0f}-{range_[1]:.0f})',
                f'{speed[name] / speed[OFFICIAL]:.1f}',
                f'{busiest[name] * 1e3:.3f} ms per item',
                f'{busiest[OFFICIAL] / busiest[name]:.1f}' if busiest[name] else '-',  # less than a tick of the clock
                f'{own:.0f} MiB + {mapped:.0f} mapped',
                f'{max(r.disk for r in rounds[name]) / 2**20:.0f} MiB',
            ]
        )
    return AsciiTable(lines).table


def main() -> None:
    """Run the benchmark; see the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--items', type=int, default=7218, help='default: %(default)s, as in QVHighlights')
    parser.add_argument('--workers', type=int, nargs='+', default=[0, 1], help='loading processes (default: 0 1)')
    parser.add_argument('--rounds', type=int, default=3, help='the median counts (default: %(default)s)')
    parser.add_argument('--batch-size', type=int, default=32)
    parser.add_argument('--start', choices=['fork', 'spawn'], default='fork', help='how processes are started')
    parser.add_argument('--folder', help='where the temporary folder is made (about 2 MiB per item)')
    args = parser.parse_args()
    torch.set_num_threads(1)
    register_all_modules()
    with one_line_errors(*RUN_ERRORS), tempfile.TemporaryDirectory(dir=args.folder) as folder:
        if min(args.items, args.rounds, args.batch_size) < 1 or min(args.workers) < 0:
            raise UserError('--items, --rounds and --batch-size have to be positive, --workers not negative')
        root = Path(folder)
        free, needed = shutil.disk_usage(root).free, args.items * 2 * 2**20
        if free < needed:
            raise UserError(
                f'{root}: {free >> 20} MiB are free, {needed >> 20} are needed; use --folder or less --items'
            )
        make_data(root, args.items)
        sets = {OFFICIAL: OfficialDataset(root), **dict(datasets(root))}
        for workers in args.workers:
            loaders = {name: Loader(dataset, workers, args) for name, dataset in sets.items()}
            for _ in range(args.rounds):
                for loader in loaders.values():
                    loader.round()
            load = f'{os.cpu_count()} processors, load {os.getloadavg()[0]:.0f}'
            print(f'{args.items} items, {workers} loading processes, {load}', table(loaders), sep='\n', flush=True)
            loaders.clear()


if __name__ == '__main__':
    main()
