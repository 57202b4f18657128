"""The golden set of a workspace: its questions, the drafts that wait for a person, and undo for both.

A version is two files of JSON lines, named by their content. `golden/versions.json` lists the versions and says which
is current; it is replaced whole, so that a change, an accepted draft or an undo happens as a whole or not at all.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from workbench.documents import Corpus, Document
from workbench.errors import GoldenError, StoreError
from workbench.golden import HOW, Anchoring, added, reread_golden, write_golden
from workbench.golden.corpus_lookup import is_whole, short
from workbench.golden.formats import json_rows
from workbench.memory_cache import cached
from workbench.parsers.comparison import opcodes
from workbench.records import Question
from workbench.specs import digest
from workbench.workspaces.manifest import locked, now, sample_files, sample_golden, write_whole

MOST_VERSIONS = 50
"""Versions that are kept; the oldest is dropped first."""

_BEFORE_VERSIONS = "golden.jsonl"  # the golden set before it had versions
_FILE = re.compile(r"|golden\.jsonl|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Version:
    """A state of the golden set: the change that led to it, its time, the files of its questions and drafts or ""."""

    label: str = ""
    time: str = ""
    golden: str = ""
    drafts: str = ""

    def __post_init__(self) -> None:
        if not (isinstance(self.label, str) and isinstance(self.time, str)):
            raise ValueError("a version's label and time must be text")
        if not (_FILE.fullmatch(self.golden) and _FILE.fullmatch(self.drafts)):
            raise ValueError("a version names no file of its own")


@dataclass(frozen=True, slots=True)
class History:
    """The versions that are kept, the oldest first, and the index of the current one."""

    versions: tuple[Version, ...] = (Version(),)
    at: int = 0

    @property
    def current(self) -> Version:
        return self.versions[self.at]

    @property
    def undo(self) -> str:
        """Label of the change that `undo` would take back; "" for none."""
        return self.current.label if self.at else ""

    @property
    def redo(self) -> str:
        """Label of the change that `redo` would make again; "" for none."""
        return self.versions[self.at + 1].label if self.at + 1 < len(self.versions) else ""

    def followed(self, version: Version) -> "History":
        """Return the history with a version after the current one; versions that were undone are dropped."""
        versions = (*self.versions[: self.at + 1], version)[-MOST_VERSIONS:]
        return History(versions, len(versions) - 1)


def read_history(folder: Path) -> History:
    """Return the versions in a workspace's folder.

    Raises:
        StoreError: their list cannot be read.
    """
    index = _index(folder)
    try:
        data = index.read_bytes()
    except FileNotFoundError:
        return History((Version(golden=_BEFORE_VERSIONS if (folder / _BEFORE_VERSIONS).exists() else ""),))
    except OSError as error:
        raise StoreError(f"the golden set cannot be read: {error.strerror or error}") from error
    try:
        values = json.loads(data)
        if values["workbench"] != 1:
            raise StoreError(f"the golden set has format {values['workbench']!r} of a newer workbench; update this one")
        history = History(tuple(Version(**v) for v in values["versions"]), values["at"])
        if not is_whole(history.at) or not 0 <= history.at < len(history.versions):
            raise ValueError(f"{len(history.versions)} versions, and version {history.at} stands")
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise StoreError(
            f"golden/{index.name} in the workspace is damaged ({error}); the questions stand in the files beside it: "
            "move it away and import the newest of them"
        ) from error
    return history


def write_history(folder: Path, history: History) -> None:
    """Replace the list of versions, and remove the files that it no longer names."""
    values = {"workbench": 1, "at": history.at, "versions": [asdict(v) for v in history.versions]}
    text = json.dumps(values, ensure_ascii=False, indent=1)
    write_whole(_index(folder), text.encode("utf-8", "surrogatepass"))
    named = {file for v in history.versions for file in (v.golden, v.drafts)}
    for path in _index(folder).parent.glob("*.jsonl"):
        if path.stem not in named:
            path.unlink(missing_ok=True)


def commit(
    folder: Path, history: History, label: str, golden: bytes | None = None, drafts: bytes | None = None
) -> None:
    """Add a version, with new files for what is given. Call it under `locked`."""
    _index(folder).parent.mkdir(exist_ok=True)
    version = replace(history.current, label=label, time=now())
    if golden is not None:
        version = replace(version, golden=_kept(folder, golden))
    if drafts is not None:
        version = replace(version, drafts=_kept(folder, drafts))
    write_history(folder, history.followed(version))


def version_content(folder: Path, file: str) -> bytes:
    """Return the JSON lines in a file of a version; b"" for "".

    Raises:
        FileNotFoundError: it is gone, for example because another process dropped its version.
    """
    if not file:
        return b""
    path = folder / file if file == _BEFORE_VERSIONS else folder / "golden" / f"{file}.jsonl"
    return path.read_bytes().removeprefix(b"\xef\xbb\xbf")


def _kept(folder: Path, data: bytes) -> str:
    name = digest(data)
    path = folder / "golden" / f"{name}.jsonl"
    if not path.exists():
        write_whole(path, data)
    return name


def _index(folder: Path) -> Path:
    return folder / "golden" / "versions.json"


REJECTED = "rejected"
"""Tag of a rejected draft, which is kept so that it is not drafted again."""

Edit = Callable[[tuple[Question, ...]], tuple[Question, ...]]

_DRAFT = re.compile(r"d(\d{1,9})")
_TRIES = 3


@dataclass(frozen=True, slots=True, eq=False)
class GoldenSet:
    """The golden set in a workspace's folder. `check_writable` raises where this visitor may only read.

    `successors` maps the sha256 of a file to that of the file that replaced it.
    """

    folder: Path
    check_writable: Callable[[], None]
    successors: Mapping[str, str] = field(default_factory=dict)

    # --- what it holds

    def read(self, corpus: Corpus) -> Anchoring:
        """Return the questions anchored in this corpus, and what became of their passages.

        Until the user keeps some, these are the sample corpus's questions whose documents are here.

        Raises:
            StoreError: the file cannot be read.
        """
        return self._state(corpus).questions

    def drafts(self, corpus: Corpus) -> tuple[Question, ...]:
        """Return the drafts that wait to be accepted, edited or rejected, in order."""
        return tuple(q for q in self._state(corpus).drafts if REJECTED not in q.tags)

    def rejected(self, corpus: Corpus) -> tuple[Question, ...]:
        """Return the rejected drafts, for drafting to avoid."""
        return tuple(q for q in self._state(corpus).drafts if REJECTED in q.tags)

    def export(self, corpus: Corpus) -> str:
        """Return the questions as JSON lines, with their offsets and quotes in this corpus."""
        return write_golden(self.read(corpus).questions, corpus)

    @property
    def history(self) -> History:
        """The versions, with labels for undo and redo."""
        return read_history(self.folder)

    # --- changes

    def change(self, edit: Edit, corpus: Corpus, label: str = "") -> tuple[Question, ...]:
        """Edit the questions as they are now, whoever wrote them; keep them as a new version and return them.

        Only what the edit touches is written again; the other questions keep the offsets and quotes of their file.

        Raises:
            GoldenError: the edit refuses, a reference lies outside the corpus, or two questions share an id.
            StoreError: this visitor may only read, or the disk refuses.
        """
        return self._change(edit, corpus, label)

    def keep(self, questions: Iterable[Question], corpus: Corpus, label: str = "") -> None:
        """Replace the golden set by these questions; `change` does not lose another person's edits."""
        kept = tuple(questions)
        self._change(lambda _: kept, corpus, label)

    def confirm(self, corpus: Corpus, label: str = "confirmed where passages stand") -> tuple[Question, ...]:
        """Write the questions with their offsets and quotes in this corpus; return them."""
        return self._change(lambda questions: questions, corpus, label, anew=True)

    def undo(self) -> str:
        """Take back the last change and return its label.

        Raises:
            GoldenError: there is nothing to undo.
        """
        return self._step(-1)

    def redo(self) -> str:
        """Make the change again that was taken back, and return its label.

        Raises:
            GoldenError: there is nothing to redo.
        """
        return self._step(1)

    # --- drafts

    def keep_drafts(self, questions: Iterable[Question], corpus: Corpus, label: str = "") -> tuple[Question, ...]:
        """Put drafts at the end of the queue; return them with their new ids."""
        with self._changing(corpus) as state:
            first = 1 + max((int(m[1]) for q in state.drafts if (m := _DRAFT.fullmatch(q.id))), default=0)
            new = tuple(replace(q, id=f"d{first + i}") for i, q in enumerate(questions))
            if new:
                count = f"drafted {_counted(len(new), 'question')}"
                commit(self.folder, state.history, label or count, drafts=_written((*state.drafts, *new), corpus))
        return new

    def accept(self, id: str, corpus: Corpus, edited: Question | None = None) -> Question:
        """Make a draft, as it is or as `edited`, a question of the golden set; return it with its new id.

        Raises:
            GoldenError: there is no such draft, or the question is not valid.
        """
        with self._changing(corpus) as state:
            question = replace(edited or state.draft(id), id="")
            after = added(state.questions.questions, question)
            commit(
                self.folder,
                state.history,
                f"accepted {after[-1].id}",
                golden=state.merged(after, corpus),
                drafts=_written([q for q in state.drafts if q is not state.draft(id)], corpus),
            )
        return after[-1]

    def edit_draft(self, id: str, edited: Question, corpus: Corpus) -> None:
        """Replace the draft with this id by the edited one, which goes on waiting."""
        with self._changing(corpus) as state:
            old = state.draft(id)
            changed = [replace(edited, id=id) if q is old else q for q in state.drafts]
            commit(self.folder, state.history, f"edited draft {id}", drafts=_written(changed, corpus))

    def reject(self, ids: Iterable[str], corpus: Corpus) -> None:
        """Take these drafts out of the queue; they are kept, so that they are not drafted again."""
        with self._changing(corpus) as state:
            gone = {state.draft(id).id for id in ids}
            changed = [replace(q, tags=(*q.tags, REJECTED)) if q.id in gone else q for q in state.drafts]
            label = f"rejected {_counted(len(gone), 'draft')}"
            commit(self.folder, state.history, label, drafts=_written(changed, corpus))

    # --- how

    def _state(self, corpus: Corpus) -> "_State":
        """Return the current state; read it again if another process drops its version meanwhile."""
        for _ in range(_TRIES):
            history = self.history
            with suppress(FileNotFoundError):
                golden, drafts = (
                    version_content(self.folder, f) for f in (history.current.golden, history.current.drafts)
                )
                successors = tuple(self.successors.items())
                waiting = _reread(drafts, corpus, successors).questions
                if history.current.golden:
                    return _State(history, golden, _reread(golden, corpus, successors), waiting)
                return _State(history, *_sample(corpus), waiting)
        raise StoreError("a file of the golden set is gone from the workspace: undo, or import it again")

    @contextmanager
    def _changing(self, corpus: Corpus) -> Iterator["_State"]:
        """The current state, while nobody else can change it."""
        self.check_writable()
        with locked(self.folder):
            yield self._state(corpus)

    def _change(self, edit: Edit, corpus: Corpus, label: str, anew: bool = False) -> tuple[Question, ...]:
        with self._changing(corpus) as state:
            before = state.questions.questions
            after = tuple(edit(before))
            data = state.merged(after, corpus, anew)
            if data != state.golden or not state.own:
                commit(self.folder, state.history, label or described(before, after), golden=data)
        return after

    def _step(self, by: int) -> str:
        self.check_writable()
        with locked(self.folder):
            history = self.history
            label = history.undo if by < 0 else history.redo
            if not 0 <= history.at + by < len(history.versions):
                raise GoldenError(f"there is nothing to {'undo' if by < 0 else 'redo'} in the golden set")
            write_history(self.folder, replace(history, at=history.at + by))
        return label


@dataclass(frozen=True, slots=True)
class _State:
    """The current version: `golden`, the lines of its file, read in a corpus. `drafts` include the rejected ones."""

    history: History
    golden: bytes
    questions: Anchoring
    drafts: tuple[Question, ...]

    @property
    def own(self) -> bool:
        """Return whether the user keeps a golden set; otherwise it is the sample's."""
        return bool(self.history.current.golden)

    def draft(self, id: str) -> Question:
        """Return the waiting draft with this id."""
        for question in self.drafts:
            if question.id == id and REJECTED not in question.tags:
                return question
        raise GoldenError(f"there is no draft {short(id)}; someone may have decided on it in another window")

    def merged(self, after: tuple[Question, ...], corpus: Corpus, anew: bool = False) -> bytes:
        """Return the lines of `after`, the old ones of unchanged questions among them, and then the unreadable rows."""
        raw, unread = self.golden.split(b"\n"), {problem.line for problem in self.questions.problems}
        line_of = {
            row["id"]: raw[number - 1]
            for number, row in json_rows(self.golden)
            if number not in unread and not isinstance(row, GoldenError)
        }
        old = {} if anew else {q.id: q for q in self.questions.questions}
        new = iter(_written([q for q in after if old.get(q.id) != q], corpus).split(b"\n"))
        out, seen = [], set[str]()
        for question in after:
            if question.id in seen:
                raise GoldenError(f"two questions have the id {short(question.id)}; give each its own")
            seen.add(question.id)
            out.append(line_of[question.id] if old.get(question.id) == question else next(new))
        out += [raw[number - 1] for number in sorted(unread) if self.own]
        return b"".join(line + b"\n" for line in out)


@cached(64 << 20, lambda found: 2_000 * (1 + len(found.questions)))
def _reread(data: bytes, corpus: Corpus, successors: tuple[tuple[str, str], ...]) -> Anchoring:
    """`reread_golden`, cached: pages ask again with every run."""
    return reread_golden(data, corpus, dict(successors))


def _sample(corpus: Corpus) -> tuple[bytes, Anchoring]:
    """Return the golden set of the sample corpus, without questions whose documents are not here."""
    if {document.source for document in corpus}.isdisjoint(sample_files()):
        return b"", Anchoring()
    data = sample_golden()
    found = _reread(data, corpus, ())
    here = tuple(q for q in found.questions if all(lost.kind != "gone" for lost in q.lost))
    ids = {q.id for q in here}
    return data, Anchoring(here, tuple(a for a in found.anchors if a.question in ids), found.problems)


def described(before: tuple[Question, ...], after: tuple[Question, ...]) -> str:
    """Return what an edit did, in a few words: "added q12", "changed 3 questions"."""
    was, now = {q.id: q for q in before}, {q.id: q for q in after}
    parts = []
    for verb, ids in (
        ("added", [id for id in now if id not in was]),
        ("removed", [id for id in was if id not in now]),
        ("changed", [id for id in now if id in was and now[id] != was[id]]),
    ):
        if ids:
            parts.append(f"{verb} {ids[0] if len(ids) == 1 else _counted(len(ids), 'question')}")
    return ", ".join(parts) or "kept the golden set"


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _written(questions: Iterable[Question], corpus: Corpus) -> bytes:
    return write_golden(questions, corpus).encode("utf-8")


_WORD = re.compile(r"\w+|[^\w\s]")
MOST_WORDS = 60_000
"""Words of a text up to which texts are compared word by word; beyond them line by line."""


@dataclass(frozen=True, slots=True)
class Change:
    """Characters added and removed, the number of sections before and after, and what became of golden passages.

    `passages` is how many golden passages are or were in the file; `counts` says what became of them, by the keys of
    `workbench.golden.HOW`. `by_words` tells whether texts were compared by words, or else by lines.
    """

    old: str
    new: str
    added: int
    removed: int
    sections: tuple[int, int]
    passages: int
    counts: tuple[tuple[str, int], ...]
    by_words: bool = True

    @property
    def summary(self) -> str:
        """One line for people, as of an Anchoring: "2 moved, 1 were not found"; "" if all are where they were."""
        return ", ".join(f"{n:,} {HOW[how]}" for how, n in self.counts if how != "kept")


def change(old: Document, new: Document, golden: Anchoring) -> Change:
    """Return what changed from `old` to `new`; `golden` is the golden set anchored in a corpus with `new`.

    White space does not count as a change.
    """
    before, after = _WORD.findall(old.text), _WORD.findall(new.text)
    by_words = max(len(before), len(after)) <= MOST_WORDS
    if not by_words:
        before, after = (
            [" ".join(line.split()) for line in text.splitlines() if line.strip()] for text in (old.text, new.text)
        )
    added = removed = 0
    for kind, i, j, k, m in opcodes(before, after):
        if kind != "equal":
            removed += sum(map(len, before[i:j]))
            added += sum(map(len, after[k:m]))
    here = [a for a in golden.anchors if (a.span.document == new.id if a.span else a.document in (old.name, new.name))]
    number = Counter(a.how for a in here)
    return Change(
        old=old.name,
        new=new.name,
        added=added,
        removed=removed,
        sections=(len(old.sections), len(new.sections)),
        passages=len(here),
        counts=tuple((how, number[how]) for how in HOW if number[how]),
        by_words=by_words,
    )
