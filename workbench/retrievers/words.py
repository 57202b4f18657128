"""What is done to ordinary words before they are counted: stop words left out, the others brought to their stem.

Both look at single terms of `analyser`, and only at those made of letters alone. A code as a whole (`E-4417`,
`max_tokens`, `12.3(b)`) and its numbers stay as they are, so exact codes are found with any setting.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from workbench.retrievers.analyser import normal

STEMMERS = (
    "none", "english", "german", "french", "spanish", "italian", "portuguese", "dutch", "danish", "swedish",
    "norwegian", "finnish", "russian", "turkish", "polish", "czech", "romanian", "hungarian", "greek", "arabic",
)  # fmt: skip
"""Snowball's algorithms, by its own names."""

STOP_WORDS = ("none", "en", "de", "fr", "es", "it", "pt", "nl", "da", "sv", "no", "ru", "tr")
"""The lists that bm25s brings; of English the long one."""

_LISTS = {
    "en": "EN_PLUS", "de": "GERMAN", "fr": "FRENCH", "es": "SPANISH", "it": "ITALIAN", "pt": "PORTUGUESE",
    "nl": "DUTCH", "da": "DANISH", "sv": "SWEDISH", "no": "NORWEGIAN", "ru": "RUSSIAN", "tr": "TURKISH",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Words:
    """A stemmer and a list of stop words, each by name, or none."""

    stemmer: str = "none"
    stop_words: str = "none"

    def __call__(self, terms: Sequence[str]) -> list[str | None]:
        """What each term is counted as; None for a stop word."""
        if self == PLAIN:
            return list(terms)
        stop = _stop_words(self.stop_words)
        kept = [None if term in stop else term for term in terms]
        if self.stemmer == "none":
            return kept
        stem = _stemmer(self.stemmer).stemWord
        return [stem(term) if term is not None and term.isalpha() else term for term in kept]


PLAIN = Words()
"""Words as they stand."""


@lru_cache
def _stop_words(name: str) -> frozenset[str]:
    if name == "none":
        return frozenset()
    from bm25s import stopwords

    return frozenset(map(normal, getattr(stopwords, f"STOPWORDS_{_LISTS[name]}")))


@lru_cache
def _stemmer(name: str) -> Any:
    """Snowball's stemmer: a word's stem depends on the word alone. Source: Porter 2001, "Snowball"."""
    return import_module("Stemmer").Stemmer(name, 0)  # no cache of its own: it would not be safe between threads
