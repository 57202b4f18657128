"""One model's vectors for many chunkings at once: each distinct text embedded once, ever, long beside long.

Chunks of all configurations together fill batches of equal length, and what configurations share is made once: that is
where a sweep saves.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from workbench.documents import Corpus
from workbench.embedders import Embedder, copy_vectors, embed, new_texts
from workbench.embedders.embedder import SpanEncoder
from workbench.errors import StoreError
from workbench.pipelines import Pipeline, collection
from workbench.store import Store
from workbench.sweeps.folder import Folder
from workbench.tasks import QUIET, Task

log = logging.getLogger(__name__)

SLICE = 200_000
"""Characters of text in one claim: some seconds of work, which is what two processes divide between them."""

_WAIT = 0.1


@dataclass(frozen=True, slots=True)
class Share:
    """An embedder, and the distinct texts that its pipelines' chunks have, the longest first."""

    embedder: Embedder
    texts: tuple[str, ...]

    def likes(self) -> dict[str, str]:
        """Map each text to the first one that the model cannot tell from it, often itself.

        Of long chunks a model sees the same beginning again and again: in a sweep of sizes, about one text in five.
        """
        first: dict[str, str] = {}
        return {
            text: first.setdefault(seen, text)
            for text, seen in zip(self.texts, self.embedder.seen(self.texts), strict=True)
        }


def slices(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the texts in order, in parts of about `SLICE` characters: the same in every process."""
    start = size = 0
    for i, text in enumerate(texts):
        size += len(text)
        if size >= SLICE:
            yield texts[start : i + 1]
            start, size = i + 1, 0
    if start < len(texts):
        yield texts[start:]


def shares(pipelines: Iterable[tuple[Pipeline, Corpus]]) -> list[Share]:
    """Return what there is to embed for these pipelines, a share for each model.

    A model that pools its vectors from whole documents has none: it makes every chunking of a document at once anyway.
    """
    texts: dict[str, dict[str, None]] = {}
    embedders: dict[str, Embedder] = {}
    for pipeline, corpus in pipelines:
        if pipeline.retriever.needs_vectors and not isinstance(pipeline.embedder, SpanEncoder):
            embedder = pipeline.embedder.full
            embedders[embedder.fingerprint] = embedder
            texts.setdefault(embedder.fingerprint, {}).update(
                dict.fromkeys(collection(corpus, pipeline.splitter).texts())
            )
    return [Share(embedders[key], tuple(sorted(some, key=lambda t: (-len(t), t)))) for key, some in texts.items()]


@dataclass(slots=True)
class _Meter:
    """How far a share is: texts done, characters passed, and those among them that were really embedded here."""

    task: Task
    texts: int
    characters: int
    done: int = 0
    passed: int = 0
    worked: int = 0
    new: int = 0
    began: float = field(default_factory=time.monotonic)

    def over(self, texts: Sequence[str]) -> Callable[[int, int], None]:
        """Return what reports the progress within one slice."""
        size = sum(map(len, texts))

        def note(done: int, new: int) -> None:
            self.new = new
            here = size * done // new if new else 0
            worked = self.worked + here
            rate = worked / max(time.monotonic() - self.began, 1e-9)
            left = (self.characters - self.passed - here) / rate if worked else None
            self.task.report(self.done + len(texts) - new + done, self.texts, left)

        return note

    def finished(self, texts: Sequence[str]) -> None:
        size = sum(map(len, texts))
        self.done += len(texts)
        self.passed += size
        self.worked += size if self.new else 0


def embed_share(
    share: Share,
    store: Store,
    folder: Folder,
    task: Task = QUIET,
) -> None:
    """Put every vector of the share into the store, together with other processes that sweep into the same folder.

    The task's reports count texts; their note is the seconds left, None where unknown.

    Raises:
        Cancelled: the task was stopped; what was ready is in the store.
    """
    if not new_texts(share.embedder, share.texts, store):
        task.report(len(share.texts), len(share.texts))
        return
    likes = share.likes()
    distinct = list(dict.fromkeys(likes.values()))
    todo = list(enumerate(slices(distinct)))
    meter = _Meter(task, len(distinct), sum(map(len, distinct)))
    while todo:
        others = []
        for number, texts in todo:
            name = f"{share.embedder.fingerprint}:{number}:{len(distinct)}"
            if not folder.claim(name):
                others.append((number, texts))
                continue
            try:
                _embed_slice(share.embedder, texts, store, meter)
            finally:
                folder.release(name)
        if len(others) == len(todo):  # another process has all that is left
            task.check(f"stopped after {meter.done} of {meter.texts} texts; what was finished is kept")
            time.sleep(_WAIT)
        todo = others
    copies = {text: like for text, like in likes.items() if text != like}
    try:
        copy_vectors(share.embedder, copies, store)
    except StoreError as error:
        log.warning("vectors are not kept, and will be made again: %s", error)
    task.report(meter.texts, meter.texts)


def _embed_slice(embedder: Embedder, texts: Sequence[str], store: Store, meter: _Meter) -> None:
    """Embed the slice batch by batch. What is in a batch does not depend on what the store holds.

    A model's figures differ in the last digits with what else is in a batch, and a sweep that goes on after it was
    killed must come to the same figures as one that ran through.
    """
    for rows in embedder.batches(texts):
        batch = [texts[i] for i in rows.tolist()]
        embed(embedder, batch, store, meter.over(batch), meter.task.cancelled)
        meter.finished(batch)
