"""bytes → str: which encoding, found without guessing where it can be, and said where it was guessed."""

import codecs
import re

from workbench.errors import DocumentError

_MARKS = (  # the longer first: UTF-32 LE starts like UTF-16 LE
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ALIASES = {  # what files that declare the left mean in practice (WHATWG Encoding Standard)
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
}
_CANDIDATES = [  # what the detector may say of text that is mostly not ASCII
    "cp932", "euc_jp", "gb18030", "big5", "cp949", "cp1251", "koi8_r", "cp866", "cp1253", "cp1255", "cp1256", "cp874",
]  # fmt: skip
_CONTROLS = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")
_SAMPLE = 65_536
_ENOUGH = 20  # bytes beyond ASCII: with fewer, the detector guesses at random


def decode(data: bytes, encoding: str = "", declared: str = "") -> tuple[str, list[str]]:
    """The text of `data`, and warnings that say what was guessed or lost.

    A byte order mark decides and is dropped; then a pattern of NUL bytes (UTF-16 and UTF-32), UTF-8 if all of it is
    valid, the encoding that the file itself declares, and last a detector, with Windows-1252 where it knows no better.
    `encoding`, the user's own choice, comes before all.

    Raises:
        DocumentError: the bytes are not text.
    """
    if encoding:
        text, warnings = _lenient(data, encoding, f"read as {encoding}, as chosen")
        return text.removeprefix("\ufeff"), warnings
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _lenient(data[len(mark) :], name, f"read as {name.upper()} by its byte order mark")
    if wide := _wide(data):
        return data.decode(wide), [f"no byte order mark: read as {wide.upper()}, by its pattern of zero bytes"]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _foreign(data, declared)
    if b"\x1b$" in data and (japanese := _strict(data, "iso2022_jp")):
        return japanese, ["read as ISO-2022-JP"]
    return text, []


def is_text(data: bytes) -> bool:
    """Whether the bytes read as text in some encoding: UTF-8, wide, or a legacy one with hardly a control character."""
    if data.startswith(tuple(mark for mark, _ in _MARKS)) or _wide(data):
        return True
    sample = data[:_SAMPLE]
    controls = len(_CONTROLS.findall(sample))
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return controls <= len(sample) * 0.01
    return controls <= len(sample) * 0.5


def known(encoding: str) -> bool:
    """Whether Python can decode text from this encoding."""
    try:
        b"text".decode(encoding, "replace")
    except LookupError:
        return False
    return True


def _foreign(data: bytes, declared: str) -> tuple[str, list[str]]:
    declared = _ALIASES.get(declared.lower(), declared.lower())
    if (
        declared
        and declared not in ("utf-8", "utf8")
        and known(declared)
        and (text := _strict(data, declared)) is not None
    ):
        return text, []
    sample = data[:_SAMPLE]
    lenient = sample.decode("utf-8", "replace")
    lost = lenient.count("\ufffd")
    if sum(c > "\x7f" for c in lenient) - lost >= 4 * lost:
        return _lenient(data, "utf-8", "read as UTF-8")
    high = sum(b > 0x7F for b in sample)
    if high >= _ENOUGH and high > 0.25 * len(sample.translate(None, b" \t\r\n")):  # a script of its own, not Latin
        from charset_normalizer import from_bytes

        best = from_bytes(sample, cp_isolation=_CANDIDATES).best()
        if best and (text := _strict(data, best.encoding)) is not None:
            return text, [
                f"not UTF-8: the encoding was guessed to be {best.encoding}. Choose another if letters look wrong."
            ]
    text, warnings = _lenient(data, "cp1252", "")
    return text, [
        "not UTF-8: read as Windows-1252 (Western European). Choose another encoding if letters look wrong.",
        *warnings,
    ]


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _lenient(data: bytes, encoding: str, note: str) -> tuple[str, list[str]]:
    try:
        text = data.decode(encoding, "replace")
    except LookupError:
        raise DocumentError(
            f"the encoding {encoding!r} is not known. Choose another, such as utf-8 or cp1252."
        ) from None
    notes = [note] if note and encoding != "utf-8" else []
    if text.count("\ufffd") and (lost := _lost(data, encoding)):
        notes.append(f"{lost:,} bytes are not valid {encoding.upper()} and show as \ufffd")
    return text, notes


def _lost(data: bytes, encoding: str) -> int:
    """How many characters a lenient decoding could not read; those that the text itself holds do not count."""
    return data.decode(encoding, "replace").count("\ufffd") - data.decode(encoding, "ignore").count("\ufffd")


def _wide(data: bytes) -> str:
    """The UTF-16 or UTF-32 that a pattern of NUL bytes shows; "" where there is none."""
    sample = data[: min(len(data), 8192) // 4 * 4] or data[:2]
    if len(sample) < 2 or 0 not in sample:
        return ""
    zeros = [sample[i::4].count(0) * 4 / len(sample) for i in range(4)] if len(sample) >= 4 else [0.0] * 4
    even, odd = sample[::2].count(0) * 2 / len(sample), sample[1::2].count(0) * 2 / len(sample)
    patterns = (
        (min(zeros[:3]) > 0.9 and zeros[3] < 0.1, "utf-32-be"),
        (min(zeros[1:]) > 0.9 and zeros[0] < 0.1, "utf-32-le"),
        (odd > 0.4 and even < 0.05, "utf-16-le"),
        (even > 0.4 and odd < 0.05, "utf-16-be"),
    )
    for holds, name in patterns:
        if holds and _strict(data, name) is not None:
            return name
    return ""
