"""Tokenizers that count and place tokens: those of the embedding models, and OpenAI's cl100k and o200k.

Special tokens ([CLS], [SEP], <|endoftext|> …) are never counted. Offsets are code points of the text. Also here: where
a text can be taken apart together with its tokens, and the tokens of each of its words, counted once.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench import models
from workbench.memory_cache import cached
from workbench.specs import digest

Ints = NDArray[np.int64]

BPE_ENCODINGS = ("cl100k_base", "o200k_base")
"""Tokenizers of OpenAI's models, which need no model here."""


class Tokenizer(Protocol):
    """Counts the tokens of texts and returns where they are."""

    @property
    def name(self) -> str: ...

    @property
    def sha256(self) -> str:
        """The hash of the vocabulary and rules."""

    def offsets(self, text: str) -> Ints:
        """Return (n, 2) start and end of each token, in order; tokens that share a character overlap."""

    @property
    def ends_at_space(self) -> bool:
        """Return whether no token crosses white space, so that a text's tokens are those of its words one by one."""

    def counts(self, texts: Sequence[str]) -> Ints:
        """Return (n,) the tokens of each text, tokenised on its own."""


def tokenizer(name: str) -> Tokenizer:
    """Return the tokenizer of an embedding model, or cl100k_base or o200k_base; loaded once per process.

    Raises:
        ModelUnavailable: there is no such tokenizer here.
    """
    if name in BPE_ENCODINGS:
        return _bpe(name)
    model = models.find(name)
    return tokenizer(model.counted_by) if model.counted_by else _of_model(model)


def count(name: str, text: str) -> int:
    """Return the number of tokens of one text."""
    return int(tokenizer(name).counts([text])[0])


@lru_cache(maxsize=8)
def _of_model(model: models.Model) -> Tokenizer:
    from tokenizers import Tokenizer as HuggingFace

    rules = HuggingFace.from_file(str(model.tokenizer))
    rules.no_truncation()  # model files come with the limits of their training
    rules.no_padding()
    return ModelTokenizer(model.name, model.tokenizer_sha256, rules)


@lru_cache(maxsize=len(BPE_ENCODINGS))
def _bpe(name: str) -> Tokenizer:
    from importlib.metadata import version

    import bpe_openai

    return BytePairTokenizer(
        name, digest(f"bpe-openai {version('bpe-openai')} {name}".encode()), bpe_openai.get_encoding(name)
    )


@dataclass(frozen=True, slots=True)
class ModelTokenizer:
    """A tokenizer.json, read by the `tokenizers` library."""

    name: str
    sha256: str
    _rules: Any = field(repr=False, compare=False)

    @property
    def ends_at_space(self) -> bool:
        return type(self._rules.pre_tokenizer).__name__ in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit")

    def offsets(self, text: str) -> Ints:
        parts = list(segments(text, _PART, _SPACE)) if self.ends_at_space else [text]
        found = [np.empty((0, 2), np.int64)]
        at = 0
        for part, encoded in zip(parts, self._rules.encode_batch(parts, add_special_tokens=False), strict=True):
            found.append(np.array(encoded.offsets, np.int64).reshape(-1, 2) + at)
            at += len(part)
        return np.concatenate(found)

    def encoded(self, texts: Sequence[str]) -> list[tuple[NDArray[np.int32], NDArray[np.int32]]]:
        """Return the ids (n,) and offsets (n, 2) of each text's tokens."""
        found = self._rules.encode_batch(texts, add_special_tokens=False)
        return [(np.array(e.ids, np.int32), np.array(e.offsets, np.int32).reshape(-1, 2)) for e in found]

    @property
    def written(self) -> dict[str, Any]:
        """The content of its file."""
        content: dict[str, Any] = json.loads(self._rules.to_str())
        return content

    @property
    def around(self) -> tuple[list[int], list[int]]:
        """The ids of the special tokens that the model wants before and after a text."""
        bare = self._rules.encode("a", add_special_tokens=False).ids
        full = self._rules.encode("a", add_special_tokens=True).ids
        at = next(i for i in range(len(full)) if full[i : i + len(bare)] == bare)
        return full[:at], full[at + len(bare) :]

    def counts(self, texts: Sequence[str]) -> Ints:
        distinct = {text: i for i, text in enumerate(dict.fromkeys(texts))}  # a text's words repeat; count each once
        tokens = [len(e) for e in self._rules.encode_batch_fast(list(distinct), add_special_tokens=False)]
        return np.array([tokens[distinct[text]] for text in texts], np.int64)


@dataclass(frozen=True, slots=True)
class BytePairTokenizer:
    """A byte-pair encoding over UTF-8, as tiktoken's. A token may hold a part of a character."""

    name: str
    sha256: str
    _rules: Any = field(repr=False, compare=False)

    @property
    def ends_at_space(self) -> bool:
        return False  # a space belongs to the word after it

    def offsets(self, text: str) -> Ints:
        tokens = self._tokens(text)
        sizes = np.fromiter((len(self._rules.decode_single_token_bytes(t)) for t in tokens), np.int64, len(tokens))
        ends = np.cumsum(sizes)
        starts = ends - sizes
        data = np.frombuffer(text.encode(), np.uint8)
        leads = (data & 0xC0) != 0x80  # the first byte of each character
        character = np.cumsum(leads) - 1  # the character that each byte belongs to
        return np.column_stack([character[starts], character[ends - 1] + 1])

    def counts(self, texts: Sequence[str]) -> Ints:
        distinct = {text: len(self._tokens(text)) for text in dict.fromkeys(texts)}
        return np.fromiter((distinct[text] for text in texts), np.int64, len(texts))

    def _tokens(self, text: str) -> list[int]:
        return [token for part in segments(text, _PART, _SEAM) for token in self._rules.encode_ordinary(part)]


_PART = 48_000  # characters: at most 192,000 tokens, a byte each, and bpe_openai refuses a call of more than 200,000
# No token of cl100k or o200k reaches over these places: behind a line's end only a slash continues a token ("//"), and
# a letter or digit ends one before a space, a comma or a stop.
_SEAM = re.compile(r"(?<=\n)(?=[^\s/])|(?<=[^\W_])(?=[ 、。])")

# The characters of words. BERT deletes control characters, so "gastro\x0cnomy" is one word to it, though `str.isspace`
# and \s take these seven for white space.
SOLID = r"[\S\x0b\x0c\x1c-\x1f\x85]"
_SPACE = re.compile(rf"(?<!{SOLID})(?={SOLID})")
_WORD = re.compile(rf"(?<={SOLID})(?={SOLID})")


def inside_word(text: str, place: int) -> bool:
    """Return whether a tokenizer that `ends_at_space` may have a token that crosses this place."""
    return _WORD.match(text, place) is not None


def segments(text: str, limit: int, seam: re.Pattern[str]) -> Iterator[str]:
    """Yield the text in parts of at most `limit` characters, cut at seams, so that they tokenise alone as together.

    Encoders take more than linear time for long texts, or refuse them. Only a part without a seam is cut elsewhere.
    """
    start = 0
    while len(text) - start > limit:
        end = _last(seam, text, start + limit // 2, start + limit) or _last(seam, text, start + 1, start + limit)
        end = end or start + limit
        yield text[start:end]
        start = end
    yield text[start:]


def _last(seam: re.Pattern[str], text: str, start: int, end: int) -> int:
    """Return the last seam between two places; 0 where there is none."""
    return max((match.start() for match in seam.finditer(text, start, end)), default=0)


@cached(128 << 20, lambda found: found.nbytes)
def token_offsets(text: str, name: str) -> Ints:
    """Return `tokenizer(name).offsets(text)`, kept for the texts used last."""
    found = tokenizer(name).offsets(text)
    found.setflags(write=False)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class TokenBoundaries:
    """The places where a text can be taken apart together with its tokens.

    A part that starts at an opening place starts with its document's tokens; one that ends at a closing place ends with
    them. `opens` and `closes` (n + 1,) are masks over all places, `opening` and `closing` list them. The first token
    from an opening place on starts `lead` characters before it: the space belongs to the word.
    """

    opens: NDArray[np.bool_]
    closes: NDArray[np.bool_]
    opening: Ints
    closing: Ints
    lead: int


def token_boundaries(text: str, rules: ModelTokenizer) -> TokenBoundaries | None:
    """Return the boundaries of a text; None where this tokenizer, or something in the text, leaves them unknown."""
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
    return TokenBoundaries(opens, closes, np.flatnonzero(opens), np.flatnonzero(closes), lead)


def _beside(marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (n + 1,) whether a place is beside a marked character or at an end."""
    out = np.ones(len(marked) + 1, np.bool_)
    out[1:-1] = marked[1:] | marked[:-1]
    return out


@cache
def _spaces() -> NDArray[np.uint32]:
    """Return the characters between words, in the sense of `inside_word`."""
    return np.array([c for c in range(0x3001) if not re.match(SOLID, chr(c))], np.uint32)


@lru_cache(maxsize=8)
def _word_marked(rules: ModelTokenizer) -> tuple[str, ...] | None:
    """Return the special tokens of a byte-fallback BPE that marks word starts with "▁"; None for other tokenizers.

    Where no token of its vocabulary crosses a place, no merge does, so a text can be taken apart there.
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
    """The words of a text, for a tokenizer that takes each by itself: `starts` and `ends` (n,), and `before` (n + 1,),
    the number of tokens before each word and in all.
    """

    starts: Ints
    ends: Ints
    before: Ints

    def upto(self, places: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """Return the tokens of the words before each place, and whether it is inside a word."""
        word = np.searchsorted(self.starts, places)  # the first that starts there or later
        torn = (word > 0) & (places < self.ends[word - 1]) if len(self.ends) else np.zeros(len(places), np.bool_)
        return self.before[word], torn

    def counts(self, starts: Ints, ends: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """Return the tokens between places, and whether one of the two is inside a word: then they are wrong."""
        (first, torn), (last, torn_too) = self.upto(starts), self.upto(ends)
        return last - first, torn | torn_too


_MOST_WORDS = 300_000  # about 40 MB


def _words_of(name: str) -> dict[str, int]:
    """Return word → tokens of the words counted before: those of one document come again in the others."""
    known = _all_words.setdefault(name, {})
    if len(known) > _MOST_WORDS:
        known = _all_words[name] = {}  # whoever still reads the old ones keeps them
    return known


_all_words: dict[str, dict[str, int]] = {}


@cached(256 << 20, lambda found: 3 * found.before.nbytes if found else 64)
def word_tokens(text: str, name: str) -> WordTokens | None:
    """Return the tokens of each word of a text; None where the tokenizer's tokens cross white space.

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
