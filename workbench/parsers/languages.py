"""The language of a text, by the statistics of a sample of it."""

import os
import re
from array import array
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from zipfile import BadZipFile

import numpy as np

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
    """py3langid's identifier, with the languages that are told apart here."""
    from py3langid.langid import LanguageIdentifier

    weights, priors, classes, moves, row, output = _model()
    found = LanguageIdentifier(weights, priors, classes, moves, output, tk_row=row)
    found.set_languages([code for code in _LANGUAGES if code in classes])
    return found


def _model() -> tuple[Any, ...]:
    """What py3langid's packed file holds; from an unpacked copy in the user's cache, which loads in a quarter of the
    time, and is made on the first use where that folder can be written.
    """
    from py3langid import langid, modelio

    packed = Path(langid.MODEL_DIR, langid.MODEL_FILE)
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    copy = Path(home, "workbench", f"languages-{version('py3langid')}-{packed.stat().st_size}.npz")
    with suppress(OSError, EOFError, ValueError, KeyError, BadZipFile):  # there is none, or it is damaged
        return _read(copy)
    model: tuple[Any, ...] = modelio.load_model(packed)
    if not copy.is_absolute():  # nobody's home
        return model
    with suppress(OSError):
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=copy.parent, suffix=".npz", delete=False) as file:
            parts: dict[str, Any] = dict(zip(_PARTS, map(np.asarray, model), strict=True))
            np.savez(file, **parts | {"output": parts["output"].astype(np.int32)})
        os.replace(file.name, copy)
    return model


_PARTS = ("weights", "priors", "classes", "moves", "row", "output")


def _read(copy: Path) -> tuple[Any, ...]:
    with copy.open("rb") as file, np.load(file, allow_pickle=False) as data:
        weights, priors, classes, moves, row, output = (data[name] for name in _PARTS)
    whole = [array(part.dtype.char, part.tobytes()) for part in (moves, row)]  # quicker than numpy, one at a time
    return weights, priors, classes.tolist(), *whole, output.tolist()
