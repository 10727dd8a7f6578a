"""Make feature files out of annotations, so that a config runs end to end before the real features are there.

The files have the published layout, names, dimensions and precision; their content is hashed words of the queries
that cover a clip, background elsewhere, and noise. They are marked as surrogate: figures from them are never results.

Examples:
    python tools/dataset_converters/make_surrogate_features.py highlight_train_release.jsonl \
        highlight_val_release.jsonl --streams slowfast:2304 clip:512 --text 512 --out data/qvhl --limit 500 200
    python tools/dataset_converters/make_surrogate_features.py charades_train_release.jsonl \
        charades_test_release.jsonl --config configs/_base_/datasets/charades_vgg.py --out data/charades_vgg --limit 50
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from mmvmr.cli.arguments import natural, positive
from mmvmr.datasets.annotations import AnnotationReader
from mmvmr.datasets.moment_dataset import SPEC_FILE
from mmvmr.preparation.surrogate import StreamLayout, SurrogateWriter
from mmvmr.structures import FeatureSpec
from mmvmr.utils import read_json, read_jsonl, write_json, write_jsonl
from mmvmr.utils.config import read_config
from mmvmr.utils.progress import progress as show_progress


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument('annotations', nargs='+', metavar='ANNOTATIONS', help='jsonl files, all splits together')
    parser.add_argument('--streams', nargs='+', metavar='NAME:DIM', help='video streams, e.g. slowfast:2304 clip:512')
    parser.add_argument('--text', type=int, metavar='DIM', help='dimension of the tokens')
    parser.add_argument('--text-template', default='clip_text_features/qid{qid}.npz', help='default: %(default)s')
    parser.add_argument('--clip-len', type=float, default=2.0, help='seconds per clip, default: %(default)s')
    parser.add_argument('--config', help='take streams, layout and clip length from a data set config instead')
    parser.add_argument('--out', required=True, metavar='DIR', help='becomes the data_root of the config')
    parser.add_argument(
        '--limit', nargs='+', type=positive, metavar='N', help='first N rows of every file, or one N each'
    )
    parser.add_argument('--seed', type=natural, default=0)
    parser.add_argument('--overwrite', action='store_true', help='write files again that exist')
    args = parser.parse_args(argv)
    if args.config is None and (not args.streams or args.text is None):
        parser.error('give --streams NAME:DIM ... and --text DIM, or --config')
    if args.limit and len(args.limit) not in (1, len(args.annotations)):
        parser.error(f'--limit has {len(args.limit)} numbers for {len(args.annotations)} files: give one, or one each')
    return args


def layout_from_args(args: argparse.Namespace) -> tuple[FeatureSpec, list[StreamLayout], StreamLayout, None]:
    """Streams and their files as given on the command line."""
    video = []
    for item in args.streams:
        name, _, dim = item.partition(':')
        if not name or not dim.isdigit():
            raise ValueError(f'--streams {item!r}: expected NAME:DIM, e.g. clip:512')
        video.append(StreamLayout(name, int(dim), f'{name}_features/{{vid}}.npz'))
    spec = {'streams': {s.name: {'dim': s.dim} for s in video}, 'text': {'dim': args.text}, 'clip_len': args.clip_len}
    text = StreamLayout('text', args.text, args.text_template, 'last_hidden_state')
    return FeatureSpec.from_dict({**spec, 'surrogate': True}), video, text, None


def layout_from_config(
    path: str,
) -> tuple[FeatureSpec, list[StreamLayout], StreamLayout | None, dict[str, Any] | None]:
    """Streams and their files as the training data of a config declares them."""
    dataset = read_config(path).train_dataloader.dataset
    if dataset.type != 'MomentDataset':
        raise ValueError(f'{path}: the training data is a {dataset.type}, only MomentDataset reads feature files')
    spec = FeatureSpec.from_dict({**dataset.feature_spec, 'surrogate': True})
    layouts: dict[str, StreamLayout] = {}
    table = None
    for stream in (*spec.streams, spec.text):
        store = dataset.stores[stream.name]
        if store.type == 'WordVectorStore':
            table = {'file': store.file, 'dim': stream.dim}
        elif store.type == 'FolderStore':
            default = 'last_hidden_state' if stream is spec.text else 'features'
            template = Path(store.folder, store.get('template', '{vid}.npz')).as_posix()
            layouts[stream.name] = StreamLayout(stream.name, stream.dim, template, store.get('key') or default)
        elif store.type != 'TokenIdStore':  # token numbers are made of the sentences
            raise ValueError(f'{path}: stream {stream.name!r} is in a {store.type}, which this tool cannot write')
    text = layouts.pop(spec.text.name, None)
    return spec, list(layouts.values()), text, table


def claim_folder(out: Path, spec: FeatureSpec, layouts: list[StreamLayout | None], overwrite: bool) -> None:
    """Mark the folder as surrogate before the first file is there, and never mix with real or other features.

    Raises:
        ValueError: If the folder holds features that this tool did not make, or made with other options.
    """
    marker = out / SPEC_FILE
    if marker.is_file():
        issues = spec.differences(FeatureSpec.from_dict(read_json(marker)), 'asked for', 'there')
        if issues and not overwrite:
            raise ValueError(f'{marker}: other features are here: {"; ".join(issues)}. Use another --out')
    else:
        for layout in filter(None, layouts):
            folder = (out / layout.template).parent
            if folder.is_dir() and any(folder.iterdir()):
                raise ValueError(f'{folder}: holds files that are not marked as surrogate. Use another --out')
    write_json(marker, spec.to_dict())


def copy_annotations(source: Path, rows: list[dict[str, Any]], out: Path, overwrite: bool) -> None:
    """Put the rows that were used next to the features, so that ``out`` is a complete data root.

    A file that is there may grow (a larger ``--limit``), but is never replaced by other or fewer rows unasked.

    Raises:
        ValueError: If another annotation file of that name is there.
    """
    target = out / source.name
    if target.exists() and target.samefile(source):
        return
    if target.is_file() and not overwrite:
        there = read_jsonl(target)
        if there != rows[: len(there)]:
            raise ValueError(
                f'{target}: another annotation file of this name is there; use another --out, or --overwrite'
            )
    write_jsonl(target, rows)


def main(argv: list[str] | None = None) -> None:
    """Read, mark, write."""
    args = parse_args(argv)
    out = Path(args.out)
    limits = (args.limit or [None]) * (1 if len(args.limit or []) > 1 else len(args.annotations))
    try:
        spec, video, text, table = layout_from_config(args.config) if args.config else layout_from_args(args)
        reader = AnnotationReader(outside='clip')
        files = {Path(f): reader.read(f, limit) for f, limit in zip(args.annotations, limits)}
        out.mkdir(parents=True, exist_ok=True)
        claim_folder(out, spec, [*video, text], args.overwrite)
        for source, rows in files.items():
            copy_annotations(source, rows, out, args.overwrite)
        writer = SurrogateWriter(out, spec, video, text, args.seed, args.overwrite)
        write_all(writer, [row for rows in files.values() for row in rows], table)
    except (OSError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        sys.exit(2)
    print(f'\n{writer.written} files written to {out}; SURROGATE features: figures from them are never results')


def write_all(writer: SurrogateWriter, rows: list[dict[str, Any]], table: dict[str, Any] | None) -> None:
    """Write the files of all rows, with progress."""
    videos: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        videos.setdefault(row['vid'], []).append(row)
    if table is not None:
        writer.write_word_vectors(rows=rows, **table)
    progress = show_progress(total=len(videos))
    for of_video in videos.values():
        writer.write_video(of_video)
        for row in of_video:
            writer.write_text(row)
        progress.update()


if __name__ == '__main__':
    main()
