"""Part-of-speech tags of queries by spaCy, for the annotations that VDI reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mmvmr.datasets.transforms.query_tags import Tag


class SpacyTagger:
    """Tags by a pipeline of spaCy. Needs ``spacy`` and one of its models.

    Args:
        model: Name of an installed pipeline or a folder with one.
        batch_size: Sentences at a time.

    Raises:
        FileNotFoundError: If there is no such pipeline.
        ImportError: If spaCy is missing.
    """

    def __init__(self, model: str = 'en_core_web_sm', batch_size: int = 256) -> None:
        try:
            import spacy
        except ImportError as error:
            raise ImportError(f'SpacyTagger needs spaCy: pip install spacy. Found: {error}') from None
        try:
            self._pipeline = spacy.load(model, exclude=['ner', 'lemmatizer'])
        except OSError:
            raise FileNotFoundError(
                f'spaCy has no pipeline {model!r}: python -m spacy download en_core_web_sm, or give the folder of one'
            ) from None
        self.model = model
        self.batch_size = batch_size

    def __call__(self, queries: Iterable[str]) -> Iterator[list[Tag]]:
        """Tag sentences.

        Yields:
            For each the tags of its words: universal ones (NOUN, VERB, ...), and PRT for particles of verbs ("pick
            up"), which the universal tags count as prepositions.

        Raises:
            ValueError: If the pipeline tags nothing.
        """
        for doc in self._pipeline.pipe(queries, batch_size=self.batch_size):
            if len(doc) and not any(word.pos_ for word in doc):
                raise ValueError(f'the spaCy pipeline {self.model!r} gives no parts of speech; take en_core_web_sm')
            parsed = doc.has_annotation('DEP')
            yield [
                (
                    word.idx,
                    word.idx + len(word.text),
                    'PRT' if word.tag_ == 'RP' else word.pos_,
                    word.head.i if parsed else None,
                )
                for word in doc
                if not word.is_space
            ]
