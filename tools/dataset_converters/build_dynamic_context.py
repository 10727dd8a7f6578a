"""Write a split whose moments stand in the context of other videos, so that all can evaluate on the same one.

    python tools/dataset_converters/build_dynamic_context.py CONFIG --split val --out data/qvhl_context
    python tools/analysis_tools/robustness.py CONFIG CHECKPOINT --splits val context=data/qvhl_context --probes plain

Every query gets a separate video: clips outside its moments are replaced by those of a random other video, in order
of time; moments, length and sentence stay (TD-DETR, ICCV 2025, supplement S4.2; the authors did not release theirs).
With the same seed, the probe ``dynamic_context`` of robustness.py makes the same features in memory. An interrupted
command continues where it stopped; other options need another folder.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmvmr.cli.arguments import ConfigOptions, natural, positive
from mmvmr.datasets.moment_dataset import SPEC_FILE
from mmvmr.datasets.transforms import ReplaceContext
from mmvmr.evaluation.robustness_splits import DATASET_FILE, open_split
from mmvmr.utils import atomic_write, read_json, write_json, write_jsonl
from mmvmr.utils.cli import BUILD_ERRORS, UserError, load_config, one_line_errors
from mmvmr.utils.paths import inside
from mmvmr.utils.progress import progress as show_progress
from mmvmr.utils.setup import setup_env

#: Written first: what the folder is made from.
MARKER = 'build.json'
ANNOTATIONS = 'annotations.jsonl'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument('config', help='config with the data set')
    parser.add_argument('--split', default='val', help='as in robustness.py (default: %(default)s)')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder of annotations and features')
    parser.add_argument('--share', type=float, default=1.0, help='part of the context that is replaced (default: all)')
    parser.add_argument('--seed', type=natural, default=0)
    parser.add_argument('--limit', type=positive, metavar='N', help='only the first N queries')
    parser.add_argument('--half', action='store_true', help='write float16: half the size, not equal to the last bit')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE', help='change the config')
    return parser.parse_args(argv)


def describe(dataset: Any, args: argparse.Namespace) -> dict[str, Any]:
    """What the folder is made from, to recognise it again.

    Args:
        dataset: The source.
        args: The command line.

    Returns:
        Plain values.
    """
    rows = json.dumps(dataset.rows, sort_keys=True, default=str)
    return {
        'what': 'moments in the context of other videos',
        'split': args.split.partition('=')[0],
        'num_queries': len(dataset.rows),
        'annotations_sha256': hashlib.sha256(rows.encode()).hexdigest(),
        'share': args.share,
        'seed': args.seed,
        'dtype': 'float16' if args.half else 'float32',
        'feature_spec': dataset.feature_spec.to_dict(),
    }


def refuse_others(out: Path, made_from: dict[str, Any]) -> None:
    """Find that a folder is new, empty or of the same build.

    Args:
        out: The folder.
        made_from: Of :func:`describe`.

    Raises:
        UserError: If something else is there.
    """
    marker = out / MARKER
    if marker.is_file():
        there = read_json(marker)
        if issues := [key for key, value in made_from.items() if there.get(key) != value]:
            raise UserError(f'{marker}: another build is here, it differs in {issues}; use another --out')
    elif out.is_dir() and any(out.iterdir()):
        raise UserError(f'{out}: the folder is not empty and holds no {MARKER}; use another --out')


class ContextWriter:
    """Writes the features of one query after the other; a file is complete or absent, and one that is there is kept.

    Args:
        out: The folder.
        dataset: The source.
        share: See :class:`mmvmr.datasets.transforms.ReplaceContext`.
        dtype: Of the written features.
    """

    def __init__(self, out: Path, dataset: Any, share: float, dtype: str) -> None:
        self.out, self.dataset, self.dtype = out, dataset, dtype
        self.replace = ReplaceContext(share)
        self.replace.bind(dataset)
        self.written = 0

    def write(self, index: int) -> dict[str, Any]:
        """Write a query.

        Args:
            index: Of the source.

        Returns:
            Its new annotation row.
        """
        row = self.dataset.rows[index]
        results = self.dataset.loaded(index)
        streams, other = self.replace.replaced(results)
        new = {**row, 'vid': f'{row["vid"]}__context_{row["qid"]}', 'source_vid': row['vid']}
        new['context_vid'] = other['vid']
        for spec, stream in zip(self.dataset.feature_spec.streams, streams):
            stored = np.asarray(self.dataset.stores[spec.name].read(row))
            # Clips after max_clips are never read; with them, length and duration still fit.
            self._save(
                inside(self.out / spec.name, f'{new["vid"]}.npz'), np.concatenate((stream, stored[len(stream) :]))
            )
        text = np.atleast_2d(np.asarray(self.dataset.stores['text'].read(row)))
        self._save(inside(self.out / 'text', f'{row["qid"]}.npz'), text)
        return new

    def _save(self, path: Path, features: np.ndarray) -> None:
        if path.is_file():
            return
        with atomic_write(path) as tmp:
            np.savez(tmp, features=features.astype(self.dtype))
        self.written += 1


def dataset_config(dataset: Any) -> dict[str, Any]:
    """The data set in the folder, as ``robustness.py --splits NAME=FOLDER`` reads it.

    Args:
        dataset: The source.

    Returns:
        Config without ``data_root`` and ``pipeline``.
    """
    names = [stream.name for stream in dataset.feature_spec.streams]
    stores = {name: {'type': 'FolderStore', 'folder': name, 'key': 'features'} for name in names}
    stores['text'] = {'type': 'FolderStore', 'folder': 'text', 'template': '{qid}.npz', 'key': 'features'}
    spec = dataset.feature_spec.to_dict()
    config = {'type': 'MomentDataset', 'ann_file': ANNOTATIONS, 'feature_spec': spec, 'stores': stores}
    # The source was read by its own rule for windows past the end; its rows need not be judged again.
    return {**config, 'annotations': {'outside': 'clip'}, 'domain': None}


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point."""
    args = parse_args(argv)
    out = Path(args.out)
    with one_line_errors(*BUILD_ERRORS):
        cfg = load_config(args.config, args.cfg_options)
        setup_env(cfg)
        dataset = open_split(cfg, args.split, args.seed, args.limit).dataset
        if any(stream.name == 'text' for stream in dataset.feature_spec.streams):
            raise UserError('a video stream is named "text", which is the folder of the sentences')
        made_from = describe(dataset, args)
        refuse_others(out, made_from)
        writer = ContextWriter(out, dataset, args.share, 'float16' if args.half else 'float32')
        write_json(out / MARKER, made_from)
        rows = []
        progress = show_progress(total=len(dataset.rows))
        for index in range(len(dataset.rows)):
            rows.append(writer.write(index))
            progress.update()
        # The folder can be read when its last file is there.
        write_jsonl(out / ANNOTATIONS, rows)
        write_json(out / SPEC_FILE, dataset.feature_spec.to_dict())
        write_json(out / DATASET_FILE, dataset_config(dataset))
    print(f'\n{len(rows)} queries in {out} ({writer.written} files new)')
    print(f'evaluate: robustness.py {args.config} CHECKPOINT --splits {args.split} context={out} --probes plain')


if __name__ == '__main__':
    main()
