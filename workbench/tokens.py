"""Tokenizers that count and place tokens: those of the embedding models, and OpenAI's cl100k and o200k.

Special tokens ([CLS], [SEP], <|endoftext|> …) are never counted. Offsets are code points of the text.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
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
    """Counts the tokens of texts and says where they stand."""

    @property
    def name(self) -> str: ...

    @property
    def sha256(self) -> str:
        """The hash of the vocabulary and rules."""

    def offsets(self, text: str) -> Ints:
        """(n, 2) start and end of each token, in order. Tokens that share a character have overlapping offsets."""

    @property
    def ends_at_space(self) -> bool:
        """Whether no token reaches over white space, so that a text's tokens are those of its words one by one."""

    def counts(self, texts: Sequence[str]) -> Ints:
        """(n,) tokens of each text, tokenised on its own."""


def tokenizer(name: str) -> Tokenizer:
    """The tokenizer of an embedding model, or cl100k_base or o200k_base; loaded once per process.

    Raises:
        ModelUnavailable: there is no such tokenizer here.
    """
    if name in BPE_ENCODINGS:
        return _bpe(name)
    model = models.find(name)
    return tokenizer(model.counted_by) if model.counted_by else _of_model(model)


def count(name: str, text: str) -> int:
    """The number of tokens of one text."""
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
        """The ids (n,) and offsets (n, 2) of each text's tokens."""
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

# What stands in words. BERT deletes control characters, so "gastro\x0cnomy" is one word to it, though `str.isspace` and
# \s take these seven for white space.
SOLID = r"[\S\x0b\x0c\x1c-\x1f\x85]"
_SPACE = re.compile(rf"(?<!{SOLID})(?={SOLID})")
_WORD = re.compile(rf"(?<={SOLID})(?={SOLID})")


def inside_word(text: str, place: int) -> bool:
    """Whether a tokenizer that `ends_at_space` may have a token that reaches over this place."""
    return _WORD.match(text, place) is not None


def segments(text: str, limit: int, seam: re.Pattern[str]) -> Iterator[str]:
    """The text in parts of at most `limit` characters, cut at seams, so that they tokenise alone as they do together.

    Long texts take the encoders more than linear time, or are refused. Only a part without a seam is cut elsewhere.
    """
    start = 0
    while len(text) - start > limit:
        end = _last(seam, text, start + limit // 2, start + limit) or _last(seam, text, start + 1, start + limit)
        end = end or start + limit
        yield text[start:end]
        start = end
    yield text[start:]


def _last(seam: re.Pattern[str], text: str, start: int, end: int) -> int:
    """The last seam between two places; 0 where there is none."""
    return max((match.start() for match in seam.finditer(text, start, end)), default=0)


@cached(128 << 20, lambda found: found.nbytes)
def token_offsets(text: str, name: str) -> Ints:
    """`tokenizer(name).offsets(text)`, kept for the texts that are being looked at."""
    found = tokenizer(name).offsets(text)
    found.setflags(write=False)
    return found
