"""One model's vectors for many chunkings at once: each distinct text embedded once, ever, long beside long.

Chunks of all configurations together fill batches of equal length, and what configurations share is made once: that is
where a sweep saves.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from workbench.documents import Corpus
from workbench.embedders import Cancelled, Embedder, embed
from workbench.pipelines import Pipeline, collection
from workbench.pooling import SpanEncoder
from workbench.store import Store
from workbench.sweeps.folders import Folder

SLICE = 200_000
"""Characters of text in one claim: some seconds of work, which is what two processes divide between them."""

_WAIT = 0.1


@dataclass(frozen=True, slots=True)
class Share:
    """An embedder, and the distinct texts that its pipelines' chunks have, the longest first."""

    embedder: Embedder
    texts: tuple[str, ...]

    def slices(self) -> Iterator[Sequence[str]]:
        """The texts in order, in parts of about `SLICE` characters: the same in every process."""
        start = size = 0
        for i, text in enumerate(self.texts):
            size += len(text)
            if size >= SLICE:
                yield self.texts[start : i + 1]
                start, size = i + 1, 0
        if start < len(self.texts):
            yield self.texts[start:]


def shares(pipelines: Iterable[tuple[Pipeline, Corpus]]) -> list[Share]:
    """What there is to embed for these pipelines, a share for each model.

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

    report: Callable[[int, int, float | None], None]
    texts: int
    characters: int
    done: int = 0
    passed: int = 0
    worked: int = 0
    new: int = 0
    began: float = field(default_factory=time.monotonic)

    def over(self, texts: Sequence[str]) -> Callable[[int, int], None]:
        """Takes note of the progress within one slice."""
        size = sum(map(len, texts))

        def note(done: int, new: int) -> None:
            self.new = new
            here = size * done // new if new else 0
            worked = self.worked + here
            rate = worked / max(time.monotonic() - self.began, 1e-9)
            left = (self.characters - self.passed - here) / rate if worked else None
            self.report(self.done + len(texts) - new + done, self.texts, left)

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
    progress: Callable[[int, int, float | None], None],
    cancelled: Callable[[], bool],
) -> None:
    """Put every vector of the share into the store, along with other processes that sweep into the same folder.

    `progress(done, total, left)` counts texts; `left` are seconds to go, by the characters so far.

    Raises:
        Cancelled: `cancelled()` said so; what was ready is in the store.
    """
    todo = list(enumerate(share.slices()))
    meter = _Meter(progress, len(share.texts), sum(map(len, share.texts)))
    while todo:
        others = []
        for number, texts in todo:
            name = f"{share.embedder.fingerprint}:{number}:{len(share.texts)}"
            if not folder.claim(name):
                others.append((number, texts))
                continue
            try:
                embed(share.embedder, texts, store, meter.over(texts), cancelled)
            finally:
                folder.release(name)
            meter.finished(texts)
        if len(others) == len(todo):  # another process has all that is left
            if cancelled():
                raise Cancelled(f"stopped after {meter.done} of {meter.texts} texts; what was done is kept")
            time.sleep(_WAIT)
        todo = others
    progress(meter.texts, meter.texts, None)
