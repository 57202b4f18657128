"""The language of a text, by the statistics of a sample of it."""

import re

_SAMPLE = 4_000
_MIN_LETTERS = 40


def language(text: str) -> str:
    """The ISO 639-1 code of the language that most of the text is likely in; "" for too little text. Deterministic."""
    step = max(1, len(text) // 3)
    sample = " ".join(text[i : i + _SAMPLE] for i in range(0, len(text), step)[:3])
    if sum(map(str.isalpha, sample)) < (_MIN_LETTERS if sample.isascii() else _MIN_LETTERS // 4):
        return ""
    import py3langid

    code, _ = py3langid.classify(re.sub(r"\s+", " ", sample))
    return str(code)
