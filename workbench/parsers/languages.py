"""The language of a text, by the statistics of a sample of it."""

import re
from functools import lru_cache
from typing import Any

_SAMPLE = 4_000
_MIN_LETTERS = 40
_MARGIN = 10.0  # log-probability between the first and the second: below it, either may be right …
_MARGIN_PER_LETTER = 0.03  # … and in a text of many languages, or of none, the margin does not grow with its length
_LANGUAGES = (  # those that documents are usually in; rare ones would be guessed for every list of names
    "ar bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk kn ko lt lv mk ml "
    "mr ms "
    "mt nb ne nl nn no pa pl pt ro ru si sk sl sq sr sv sw ta te th tl tr uk ur uz vi zh"
).split()


def language(text: str) -> str:
    """The ISO 639-1 code of the language that most of the text is likely in; "" where that cannot be told.

    Deterministic: a sample from the start, from one third and from two thirds of the text.
    """
    step = max(_SAMPLE, len(text) // 3)
    sample = " ".join(text[i : i + _SAMPLE] for i in range(0, len(text), step)[:3])
    words = re.findall(r"[^\W\d_]+", sample)
    if sum(map(len, words)) < (_MIN_LETTERS if sample.isascii() else _MIN_LETTERS // 4):
        return ""
    read = " ".join(words).lower()
    (first, best), (_, second) = identifier().rank(read)[:2]
    return str(first) if best - second >= max(_MARGIN, _MARGIN_PER_LETTER * len(read)) else ""


@lru_cache
def identifier() -> Any:
    """py3langid, with the languages that are told apart here."""
    from py3langid import langid

    known = {code for code, _ in langid.rank("")}
    langid.set_languages([code for code in _LANGUAGES if code in known])
    return langid
