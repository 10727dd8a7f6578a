"""Probe what CLIP knows of actions: table 1 and figure 1 of the VDI supplement. Nothing is trained.

    python tools/analysis_tools/probe_clip.py triplets svo_probes.csv images --model openai/clip-vit-base-patch32
    python tools/analysis_tools/probe_clip.py words tagged/charades_train_release.jsonl --model CHECKPOINT

``triplets`` reads SVO-Probes: a sentence, an image that it describes, and one in which its subject, verb or object is
another. Table 1 has the mean scores of both and their difference, normalised in each triplet; here by a softmax of the
two cosines at CLIP's own temperature, as how is not said. IMAGES holds ``<pos_image_id>.jpg``.

``words`` reads annotations with ``query_tags`` (``tag_queries.py``). Figure 1 shows how much weight the last layer of
the text encoder gives to nouns, verbs and other words; here it is the attention of the end token, from which the
sentence is made, averaged over heads, and scaled so that the words of a sentence sum to 1.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmvmr.cli.arguments import positive
from mmvmr.features.extractors import CLIPImageExtractor, CLIPTextExtractor
from mmvmr.utils import read_jsonl
from mmvmr.utils.cli import UserError, one_line_errors

#: Columns of SVO-Probes that say what the negative image differs in.
KINDS = {'Sub.': 'subj_neg', 'Verb.': 'verb_neg', 'Obj.': 'obj_neg'}
CLASSES = {'NOUN': 'nouns', 'PROPN': 'nouns', 'VERB': 'verbs'}
SUFFIXES = ('.jpg', '.jpeg', '.png')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    triplets = commands.add_parser('triplets', help='table 1')
    triplets.add_argument('table', type=Path, help='csv of SVO-Probes')
    triplets.add_argument('images', type=Path, help='folder of its images')
    words = commands.add_parser('words', help='figure 1')
    words.add_argument('annotations', type=Path, nargs='+', help='jsonl with query_tags')
    words.add_argument('--bins', type=positive, default=10, metavar='N', help='of the histogram; default: %(default)s')
    for command in (triplets, words):
        command.add_argument('--model', required=True, help='CLIP checkpoint: its folder, or its name')
        command.add_argument('--limit', type=positive, metavar='N', help='use the first N rows only')
    return parser.parse_args(argv)


def triplet_scores(sentence: np.ndarray, images: np.ndarray, scale: float) -> np.ndarray:
    """Scores of a positive and a negative image, normalised in the triplet.

    Args:
        sentence: Embedding (dim,).
        images: Embeddings of both (2, dim).
        scale: Factor of the cosines, the inverse temperature of CLIP.

    Returns:
        Two numbers that sum to 1.
    """
    cosines = images @ sentence / (np.linalg.norm(images, axis=1) * np.linalg.norm(sentence))
    return np.exp(scale * cosines - np.logaddexp(*(scale * cosines)))


def read_triplets(table: Path, images: Path, limit: int | None) -> list[tuple[str, Path, Path, str]]:
    """Sentence, both images and column of table 1 of every triplet."""
    files = {path.stem: path for path in images.iterdir() if path.suffix.lower() in SUFFIXES}
    triplets = []
    with table.open(encoding='utf-8', newline='') as stream:
        for number, row in enumerate(csv.DictReader(stream), start=2):
            if limit is not None and len(triplets) == limit:
                break
            needed = ('sentence', 'pos_image_id', 'neg_image_id', *KINDS.values())
            if absent := [key for key in needed if row.get(key) is None]:
                raise UserError(f'{table}: the columns {absent} are missing; expected those of svo_probes.csv')
            kinds = [kind for kind, column in KINDS.items() if row[column].strip().lower() == 'true']
            if len(kinds) != 1:
                raise UserError(
                    f'{table}:{number}: expected one of {list(KINDS.values())} to be True, found {len(kinds)}'
                )
            names = (row['pos_image_id'], row['neg_image_id'])
            if lost := [name for name in names if name not in files]:
                raise UserError(f'{table}:{number}: no image {lost[0]!r} in {images}; --limit N, or remove the row')
            triplets.append((row['sentence'], *(files[name] for name in names), kinds[0]))
    if not triplets:
        raise UserError(f'{table}: no triplet in this file')
    return triplets


def probe_triplets(args: argparse.Namespace) -> Iterator[str]:
    """Table 1, line by line."""
    from PIL import Image

    triplets = read_triplets(args.table, args.images, args.limit)
    text, image = CLIPTextExtractor(args.model), CLIPImageExtractor(args.model, clip_len=1.0)
    scale = float(text.network.logit_scale.exp())
    sentences = [pooled for _, pooled in text([sentence for sentence, *_ in triplets])]
    scores = []
    for sentence, (_, *paths, _) in zip(sentences, triplets):
        frames = [image.prepare(np.array(Image.open(path).convert('RGB'))) for path in paths]
        with torch.inference_mode():
            scores.append(triplet_scores(sentence, image(torch.stack(frames)[:, None]).numpy(), scale))
    kinds = np.array([kind for *_, kind in triplets])
    columns = {'Overall': np.ones(len(kinds), bool), **{kind: kinds == kind for kind in KINDS}}
    means = {name: np.mean(np.array(scores)[rows], axis=0) for name, rows in columns.items() if rows.any()}
    yield f'{"Scores":<8}' + ''.join(f'{name:>9}' for name in means)
    for place, name in enumerate(('Pos.', 'Neg.')):
        yield f'{name:<8}' + ''.join(f'{mean[place]:9.2f}' for mean in means.values())
    yield f'{"Dif.":<8}' + ''.join(f'{mean[0] - mean[1]:9.2f}' for mean in means.values())


def word_weights(
    attention: np.ndarray, offsets: Sequence[Sequence[int]], tags: Sequence[Any]
) -> dict[str, list[float]]:
    """Weights of the words of a sentence, by part of speech.

    Args:
        attention: What the end token attends to (tokens,).
        offsets: First and last (exclusive) character of every token; empty for start and end.
        tags: ``query_tags`` of the annotation.

    Returns:
        ``nouns``, ``verbs`` and ``others`` to weights, which sum to 1; a token counts for the word that it begins in.
    """
    totals = np.zeros(len(tags))
    for weight, (start, end) in zip(attention, offsets):
        inside = [place for place, (first, last, *_) in enumerate(tags) if first <= start < last and end > start]
        if inside:
            totals[inside[0]] += weight
    weights: dict[str, list[float]] = {'nouns': [], 'verbs': [], 'others': []}
    for total, (_, _, tag, _) in zip(totals / max(totals.sum(), 1e-12), tags):
        if tag != 'PUNCT':
            weights[CLASSES.get(tag, 'others')].append(float(total))
    return weights


def sentence_attention(model: Any, tokenizer: Any, sentence: str) -> tuple[np.ndarray, list[list[int]]]:
    """Attention of the end token in the last layer, averaged over heads (tokens,), and the characters of the tokens."""
    limit = min(tokenizer.model_max_length, model.config.max_position_embeddings)
    coded = tokenizer(sentence, truncation=True, max_length=limit, return_offsets_mapping=True, return_tensors='pt')
    with torch.inference_mode():
        layers = model(input_ids=coded['input_ids'], output_attentions=True).attentions
    return layers[-1][0].mean(dim=0)[-1].numpy(), coded['offset_mapping'][0].tolist()


def probe_words(args: argparse.Namespace) -> Iterator[str]:
    """Figure 1 as a table: shares of words by weight, and mean weights."""
    rows = [row for path in args.annotations for row in read_jsonl(path, args.limit)]
    if untagged := next((row for row in rows if not row.get('query_tags')), None):
        raise UserError(f'qid {untagged["qid"]!r} has no query_tags; write them with tag_queries.py')
    extractor = CLIPTextExtractor(args.model)
    model = extractor.network.text_model
    extractor.network.set_attn_implementation('eager')  # the others return no attention
    weights: dict[str, list[float]] = {'nouns': [], 'verbs': [], 'others': []}
    for row in rows:
        attention, offsets = sentence_attention(model, extractor.tokenizer, row['query'])
        for name, values in word_weights(attention, offsets, row['query_tags']).items():
            weights[name] += values
    yield from histogram(weights, args.bins)


def histogram(weights: Mapping[str, Sequence[float]], bins: int) -> Iterator[str]:
    """Lines of a table: percent of the words of a class whose weight is in a bin, and the mean weight."""
    filled = {name: np.array(values) for name, values in weights.items() if len(values)}
    yield f'{"weight":<12}' + ''.join(f'{name:>10}' for name in filled)
    edges = np.linspace(0, 1, bins + 1)
    shares = {name: np.histogram(values, edges)[0] * 100 / len(values) for name, values in filled.items()}
    for place in range(bins):
        share = ''.join(f'{part[place]:9.1f}%' for part in shares.values())
        yield f'{f"{edges[place]:.2f}-{edges[place + 1]:.2f}":<12}{share}'
    yield f'{"mean":<12}' + ''.join(f'{values.mean():10.3f}' for values in filled.values())
    yield f'{"words":<12}' + ''.join(f'{len(values):10d}' for values in filled.values())


def main(argv: list[str] | None = None) -> int:
    """Probe; see the module docstring."""
    args = parse_args(argv)
    with one_line_errors(ImportError, OSError, ValueError):
        for line in (probe_triplets if args.command == 'triplets' else probe_words)(args):
            print(line)
    return 0


if __name__ == '__main__':
    sys.exit(main())
