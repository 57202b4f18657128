"""The corpora of workspaces, put together from their documents once and kept: another document costs its own alone."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.documents import Corpus, Document
from workbench.errors import WorkbenchError
from workbench.workspaces.manifests import Source
from workbench.workspaces.parsed import File


@dataclass(frozen=True, slots=True)
class Refusal:
    """A source that could not be read, and why; the others of its corpus stay."""

    source: Source
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A corpus as it was put together: from which files of a manifest, and which of these could not be read."""

    sources: Sequence[Source]
    documents: Mapping[tuple[str, str, str], Document]
    """By what decides one: the file's id, name and parser."""
    corpus: Corpus


OPENED: OrderedDict[Any, Opened] = OrderedDict()
"""The corpora put together last, by the workspace's folder and the parser."""

_MOST_OPENED = 8, 50_000  # corpora whatever their size, and documents of more corpora
_lock = threading.Lock()  # visits open corpora at the same time


def remember(name: Any, opened: Opened) -> None:
    """Keep a corpus, so that a page of a large one need not look at every document at each run."""
    few, many = _MOST_OPENED
    with _lock:
        OPENED[name] = opened
        OPENED.move_to_end(name)
        while len(OPENED) > few and sum(1 + len(found.documents) for found in OPENED.values()) > many:
            OPENED.popitem(last=False)


def opened(
    name: Any,
    sources: Sequence[Source],
    file: Callable[[Source], File],
    read: Callable[[Sequence[File]], Sequence[Document | WorkbenchError]],
) -> tuple[Corpus, tuple[Refusal, ...]]:
    """The corpus of these sources, and what could not be read.

    What was opened before under this `name` is taken as it is; the others are read by `read`, all at once. What could
    not be read is tried again at every call.
    """
    known = OPENED.get(name)
    if known is not None and known.sources is sources and len(known.documents) == len(sources):
        return known.corpus, ()
    here: dict[tuple[str, str, str], Document] = {}
    refusals: list[Refusal] = []
    new: list[tuple[tuple[str, str, str], Source, File]] = []
    for source in sources:
        key = source.id, source.name, repr(source.parser)
        if known is not None and key in known.documents:
            here[key] = known.documents[key]
            continue
        try:
            new.append((key, source, file(source)))
        except WorkbenchError as error:
            refusals.append(Refusal(source, str(error)))
    for (key, source, _), found in zip(new, read([one for *_, one in new]), strict=True):
        if isinstance(found, Document):
            here[key] = found
        else:
            refusals.append(Refusal(source, str(found)))
    same = known is not None and here == known.documents
    corpus = known.corpus if known is not None and same else Corpus(tuple(here.values()))
    remember(name, Opened(sources, here, corpus))
    return corpus, tuple(refusals)
