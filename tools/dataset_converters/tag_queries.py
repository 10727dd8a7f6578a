"""Write part-of-speech tags of the queries into annotation files, for VDI.

    python tools/dataset_converters/tag_queries.py train.jsonl test.jsonl --out data/tagged [--model en_core_web_sm]

Every row gets ``query_tags``: ``[first character, one past the last, tag, index of the word it depends on]`` per word.
Training then needs no tagger. ``--model`` is a pipeline of spaCy or the folder of one.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from mmvmr.datasets import TagSplit
from mmvmr.preparation.query_tagger import SpacyTagger
from mmvmr.structures.query_roles import DYNAMIC, STATIC
from mmvmr.utils import read_jsonl
from mmvmr.utils.cli import one_line_errors
from mmvmr.utils.io import write_jsonl


def tag_file(source: Path, target: Path, tagger: SpacyTagger) -> Counter:
    """Tag one file.

    Args:
        source: Annotation file.
        target: Where to write.
        tagger: What tags.

    Returns:
        How many queries there are, and how many have words of change and of things by the default rules.
    """
    rows = read_jsonl(source)
    tagged = [{**row, 'query_tags': tags} for row, tags in zip(rows, tagger(row['query'] for row in rows))]
    write_jsonl(target, tagged)
    split, counts = TagSplit(), Counter(queries=len(rows))
    for row in tagged:
        roles = {role for _, _, role in split(row)}
        counts.update(dynamic=DYNAMIC in roles, static=STATIC in roles)
    return counts


def main(argv: list[str] | None = None) -> int:
    """Run the conversion; see the module docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('annotations', nargs='+', type=Path, help='jsonl files')
    parser.add_argument('--out', type=Path, required=True, help='folder for the tagged files, of the same names')
    parser.add_argument('--model', default='en_core_web_sm', help='spaCy pipeline or its folder (default: %(default)s)')
    parser.add_argument('--overwrite', action='store_true', help='write files again that are there')
    args = parser.parse_args(argv)
    with one_line_errors(OSError, ValueError, ImportError):
        targets = [args.out / path.name for path in args.annotations]
        if len(set(targets)) < len(targets):
            raise ValueError('two annotation files have the same name: tag them into different folders')
        for source, target in zip(args.annotations, targets):
            if target.exists() and (not args.overwrite or target.samefile(source)):
                raise ValueError(f'{target} is there already: use another --out, or --overwrite (never for the input)')
        tagger = SpacyTagger(args.model)
        for source, target in zip(args.annotations, targets):
            counts = tag_file(source, target, tagger)
            print(
                f'{target}: {counts["queries"]} queries, {counts["dynamic"]} with words of change, '
                f'{counts["static"]} with words of things'
            )
    return 0


if __name__ == '__main__':
    sys.exit(main())
