"""The documents inside a ZIP file: read in blocks within limits, under names that are labels and never paths."""

import stat
import zipfile
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatch

from workbench.errors import DocumentError
from workbench.parsers.archives import Archive
from workbench.parsers.files import NOT_DOCUMENTS, Refusal
from workbench.parsers.names import label

MAX_MEMBERS = 1_000
MAX_BYTES = 100_000_000
MAX_DEPTH = 20  # folders


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The files of an archive as (label, bytes), each label once, and what was left out, with the reason."""

    files: tuple[tuple[str, bytes], ...]
    refusals: tuple[Refusal, ...]


def unpack(name: str, data: bytes, max_members: int = MAX_MEMBERS, max_bytes: int = MAX_BYTES) -> Unpacked:
    """The files in a ZIP, in order of their paths; folders and hidden files are passed over, nothing goes to disk.

    Archives inside are given back as files, and so refused by the parser. Sizes that the directory claims are not
    trusted: reading stops at `max_bytes` of all files together, or at 200 times the archive's size.

    Raises:
        DocumentError: not a ZIP, damaged, too many files, or more than it may unpack to: nothing of it is taken.
    """
    shown = label(name)
    try:
        with Archive(data, max_bytes) as archive:
            entries = sorted((i for i in archive.entries() if not i.is_dir()), key=lambda i: i.filename)
            wanted = [i for i in entries if not _hidden(i.filename)]
            if len(wanted) > max_members:
                raise DocumentError(f"it holds {len(wanted):,} files; the limit is {max_members:,}. Split it.")
            return _read(archive, wanted)
    except DocumentError as error:
        raise DocumentError(f"{shown}: {error}") from None


def _read(archive: Archive, entries: list[zipfile.ZipInfo]) -> Unpacked:
    labels = _labels([i.filename for i in entries])
    files: list[tuple[str, bytes]] = []
    refusals: list[Refusal] = []
    for entry, shown in zip(entries, labels, strict=True):
        reason = _refused(entry)
        if not reason:
            before = archive.unpacked
            try:
                files.append((shown, archive.read(entry)))
                continue
            except DocumentError as error:
                if archive.full:
                    raise
                reason = str(error)
                archive.unpacked = before
        refusals.append(Refusal(shown, f"{shown}: {reason}"))
    return Unpacked(tuple(files), tuple(refusals))


def _refused(entry: zipfile.ZipInfo) -> str:
    """Why an entry is not read; "" where it is."""
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a link to another file, which is never followed. Add the file itself."
    if entry.flag_bits & 1:
        return "it is protected by a password. Save a copy without it."
    if len(_parts(entry.filename)) > MAX_DEPTH + 1:
        return f"it lies more than {MAX_DEPTH} folders deep, the limit."
    if any(fnmatch(_parts(entry.filename)[-1], pattern) for pattern in NOT_DOCUMENTS):
        return "a golden set, not a document. Import it on the page of golden sets."
    return ""


def _parts(path: str) -> list[str]:
    return [p for p in path.replace("\\", "/").split("/") if p] or [""]


def _hidden(path: str) -> bool:
    parts = _parts(path)
    return parts[0] == "__MACOSX" or any(p.startswith(".") and p.strip(".") for p in parts)


def _labels(paths: list[str]) -> list[str]:
    """A label for each path: its last part, with the folder before it where that would not be the only one."""
    labels = [label(path) for path in paths]
    often = Counter(labels)
    for i, path in enumerate(paths):
        parts = _parts(path)
        if often[labels[i]] > 1 and len(parts) > 1:
            labels[i] = label(f"{label(parts[-2])} - {labels[i]}")
    seen: Counter[str] = Counter()
    for i, shown in enumerate(labels):
        seen[shown] += 1
        if seen[shown] > 1:
            stem, dot, extension = shown.rpartition(".")
            labels[i] = f"{stem} ({seen[shown]}){dot}{extension}" if stem else f"{shown} ({seen[shown]})"
    return labels
