"""Where a text may be taken apart, and its tokens with it; and the tokens of each of its words, counted once."""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from workbench.memory_cache import cached
from workbench.tokens import SOLID, Ints, ModelTokenizer, tokenizer


@dataclass(frozen=True, slots=True, eq=False)
class Joints:
    """The places where a text may be taken apart, and its tokens with it.

    From a place that opens, the text alone starts with its document's tokens; up to a place that closes, it ends with
    them. `opens` and `closes` (n + 1,) answer for every place, `opening` and `closing` list them. The first token from
    an opening place on starts `lead` characters before it: the space belongs to the word.
    """

    opens: NDArray[np.bool_]
    closes: NDArray[np.bool_]
    opening: Ints
    closing: Ints
    lead: int


def joints(text: str, rules: ModelTokenizer) -> Joints | None:
    """The joints of a text; None where this kind of tokenizer, or something in the text, leaves them unknown."""
    try:
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    except UnicodeEncodeError:
        return None  # a lone surrogate, which is replaced before it is tokenised
    if rules.ends_at_space:
        opens = closes = _beside(np.isin(codes, _spaces()))
        lead = 0
    elif (specials := _word_marked(rules)) is not None and not any(special in text for special in specials):
        # "▁" stands for a space and before a text, and only at the start of a token; a line's end is a token by itself.
        space, blank, line = codes == 32, (codes == 32) | (codes == 0x2581), codes == 10
        opens, closes = np.zeros(len(codes) + 1, np.bool_), _beside(line)
        opens[0], closes[0] = True, len(codes) == 0  # what follows there begins with the mark
        opens[2:-1] = space[1:-1] & ~blank[:-2] & ~blank[2:]
        closes[1:-1] |= blank[1:] & ~blank[:-1]
        lead = 1
    else:
        return None
    return Joints(opens, closes, np.flatnonzero(opens), np.flatnonzero(closes), lead)


def _beside(marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n + 1,) whether a place lies beside a marked character or at an end."""
    out = np.ones(len(marked) + 1, np.bool_)
    out[1:-1] = marked[1:] | marked[:-1]
    return out


@cache
def _spaces() -> NDArray[np.uint32]:
    """The characters between words, as `inside_word` tells them."""
    return np.array([c for c in range(0x3001) if not re.match(SOLID, chr(c))], np.uint32)


@lru_cache(maxsize=8)
def _word_marked(rules: ModelTokenizer) -> tuple[str, ...] | None:
    """The special tokens of a byte-fallback BPE that marks the starts of words with "▁"; None for other tokenizers.

    Merges reach over no place where no token of the vocabulary does, so a text falls apart there.
    """
    written = rules.written
    model, normalizer = written["model"], written["normalizer"] or {}
    steps = normalizer.get("normalizers", [normalizer])
    marks = [
        {"type": "Prepend", "prepend": "▁"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
    ]
    if model["type"] != "BPE" or not model["byte_fallback"] or written["pre_tokenizer"] or steps != marks:
        return None
    if any("▁" in token.lstrip("▁") or "\n" in token or "<0x0A>" in token[1:] for token in model["vocab"]):
        return None
    added = written["added_tokens"]
    return None if any(token["normalized"] for token in added) else tuple(token["content"] for token in added)


@dataclass(frozen=True, slots=True, eq=False)
class WordTokens:
    """The words of a text, for a tokenizer that takes each by itself: `starts` and `ends` (n,), and the tokens before
    each one and after the last, `before` (n + 1,).
    """

    starts: Ints
    ends: Ints
    before: Ints

    def upto(self, places: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """The tokens of the words before each place, and whether it lies inside a word."""
        word = np.searchsorted(self.starts, places)  # the first that starts there or later
        torn = (word > 0) & (places < self.ends[word - 1]) if len(self.ends) else np.zeros(len(places), np.bool_)
        return self.before[word], torn

    def counts(self, starts: Ints, ends: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """The tokens between places, and whether one of the two lies inside a word, so that the figure is wrong."""
        (first, torn), (last, torn_too) = self.upto(starts), self.upto(ends)
        return last - first, torn | torn_too


_MOST_WORDS = 300_000  # about 40 MB


def _words_of(name: str) -> dict[str, int]:
    """The tokens of the words that were counted before: those of one document come again in the others."""
    known = _all_words(name)
    if len(known) > _MOST_WORDS:
        _all_words.cache_clear()  # whoever still reads the old ones keeps them
        known = _all_words(name)
    return known


@lru_cache(maxsize=8)
def _all_words(name: str) -> dict[str, int]:
    return {}


@cached(256 << 20, lambda found: 3 * found.before.nbytes if found else 64)
def word_tokens(text: str, name: str) -> WordTokens | None:
    """The tokens of each word of a text; None where the tokenizer's tokens reach over white space.

    A text has few distinct words, so this takes a fraction of the time of tokenising it.
    """
    rules = tokenizer(name)
    if not rules.ends_at_space:
        return None
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    solid = np.concatenate([[False], ~np.isin(codes, _spaces(), kind="table"), [False]])
    edges = np.flatnonzero(solid[1:] != solid[:-1])
    starts, ends = edges[::2], edges[1::2]
    numbers: dict[str, int] = {}
    bounds = zip(starts.tolist(), ends.tolist(), strict=True)
    which = [numbers.setdefault(text[start:end], len(numbers)) for start, end in bounds]
    known = _words_of(name)
    new = [word for word in numbers if word not in known]
    known |= zip(new, rules.counts(new).tolist(), strict=True)
    each = np.array([known[word] for word in numbers], np.int64)
    before = np.concatenate([[0], np.cumsum(each[np.array(which, np.int64)])]) if which else np.zeros(1, np.int64)
    return WordTokens(starts, ends, before)
