"""The golden set of a workspace: its questions, the drafts that wait for a person, and undo for both."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from workbench.documents import Corpus
from workbench.errors import GoldenError, StoreError
from workbench.golden import Anchoring, added, reread_golden, write_golden
from workbench.golden.jsonl import lines
from workbench.golden.values import short
from workbench.memory_cache import cached
from workbench.records import Question
from workbench.workspaces import samples
from workbench.workspaces.histories import History, commit, content, read_history, write_history
from workbench.workspaces.manifests import locked

REJECTED = "rejected"
"""Tag of a draft that nobody wants; it is kept so that it is not drafted again."""

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
        """The questions as they stand in this corpus and what became of their passages. Writes nothing.

        Until the user keeps some, those of the sample corpus whose documents are here.

        Raises:
            StoreError: the file cannot be read.
        """
        return self._state(corpus).questions

    def drafts(self, corpus: Corpus) -> tuple[Question, ...]:
        """The drafts that wait to be accepted, edited or rejected, in order."""
        return tuple(q for q in self._state(corpus).drafts if REJECTED not in q.tags)

    def rejected(self, corpus: Corpus) -> tuple[Question, ...]:
        """The drafts that were rejected, for drafting to avoid."""
        return tuple(q for q in self._state(corpus).drafts if REJECTED in q.tags)

    def export(self, corpus: Corpus) -> str:
        """The questions as JSON lines, with the offsets and quotes that they have in this corpus."""
        return write_golden(self.read(corpus).questions, corpus)

    @property
    def history(self) -> History:
        """The versions; its `undo` and `redo` say what the buttons would do, "" where nothing."""
        return read_history(self.folder)

    # --- changes

    def change(self, edit: Edit, corpus: Corpus, label: str = "") -> tuple[Question, ...]:
        """The questions after an edit of those that stand now, whoever wrote them; kept as a new version.

        Only what the edit touches is written anew; the other questions keep the offsets and quotes of their file.

        Raises:
            GoldenError: the edit refuses, a reference lies outside the corpus, or two questions share an id.
            StoreError: this visitor may only read, or the disk refuses.
        """
        return self._change(edit, corpus, label)

    def keep(self, questions: Iterable[Question], corpus: Corpus, label: str = "") -> None:
        """Put these questions in the place of the golden set; see `change`, which loses no one else's."""
        kept = tuple(questions)
        self._change(lambda _: kept, corpus, label)

    def confirm(self, corpus: Corpus, label: str = "confirmed where passages stand") -> tuple[Question, ...]:
        """The questions, written with the offsets and quotes that they have in this corpus."""
        return self._change(lambda questions: questions, corpus, label, anew=True)

    def undo(self) -> str:
        """The label of the change that was taken back.

        Raises:
            GoldenError: there is nothing to undo.
        """
        return self._step(-1)

    def redo(self) -> str:
        """The label of the change that was made again.

        Raises:
            GoldenError: there is nothing to redo.
        """
        return self._step(1)

    # --- drafts

    def keep_drafts(self, questions: Iterable[Question], corpus: Corpus, label: str = "") -> tuple[Question, ...]:
        """The drafts, put at the end of the queue under ids of its own."""
        with self._changing(corpus) as state:
            first = 1 + max((int(m[1]) for q in state.drafts if (m := _DRAFT.fullmatch(q.id))), default=0)
            new = tuple(replace(q, id=f"d{first + i}") for i, q in enumerate(questions))
            if new:
                count = f"drafted {_counted(len(new), 'question')}"
                commit(self.folder, state.history, label or count, drafts=_written((*state.drafts, *new), corpus))
        return new

    def accept(self, id: str, corpus: Corpus, edited: Question | None = None) -> Question:
        """The draft, as it was or as `edited`, now a question of the golden set under an id of its own.

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
        """Put the edited draft in the place of the one with this id; it goes on waiting."""
        with self._changing(corpus) as state:
            old = state.draft(id)
            changed = [replace(edited, id=id) if q is old else q for q in state.drafts]
            commit(self.folder, state.history, f"edited draft {id}", drafts=_written(changed, corpus))

    def reject(self, ids: Iterable[str], corpus: Corpus) -> None:
        """Take these drafts out of the queue; they are remembered, so that they are not drafted again."""
        with self._changing(corpus) as state:
            gone = {state.draft(id).id for id in ids}
            changed = [replace(q, tags=(*q.tags, REJECTED)) if q.id in gone else q for q in state.drafts]
            label = f"rejected {_counted(len(gone), 'draft')}"
            commit(self.folder, state.history, label, drafts=_written(changed, corpus))

    # --- how

    def _state(self, corpus: Corpus) -> "_State":
        """What stands; read again where another process gives up a version meanwhile."""
        for _ in range(_TRIES):
            history = self.history
            with suppress(FileNotFoundError):
                golden, drafts = (content(self.folder, f) for f in (history.current.golden, history.current.drafts))
                successors = tuple(self.successors.items())
                waiting = _reread(drafts, corpus, successors).questions
                if history.current.golden:
                    return _State(history, golden, _reread(golden, corpus, successors), waiting)
                return _State(history, *_sample(corpus), waiting)
        raise StoreError("a file of the golden set is gone from the workspace: undo, or import it again")

    @contextmanager
    def _changing(self, corpus: Corpus) -> Iterator["_State"]:
        """What stands, while nobody else can change it."""
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
    """What stands: `golden`, the file's lines, and what they are in a corpus. The drafts include those rejected."""

    history: History
    golden: bytes
    questions: Anchoring
    drafts: tuple[Question, ...]

    @property
    def own(self) -> bool:
        """Whether the user keeps a golden set; otherwise it is the sample's."""
        return bool(self.history.current.golden)

    def draft(self, id: str) -> Question:
        """The draft with this id that waits."""
        for question in self.drafts:
            if question.id == id and REJECTED not in question.tags:
                return question
        raise GoldenError(f"there is no draft {short(id)}; someone may have decided on it in another window")

    def merged(self, after: tuple[Question, ...], corpus: Corpus, anew: bool = False) -> bytes:
        """The lines of `after`: old ones where a question is as it was read, else new; unread rows stay, at the end."""
        raw, unread = self.golden.split(b"\n"), {problem.line for problem in self.questions.problems}
        line_of = {
            row["id"]: raw[number - 1]
            for number, row in lines(self.golden)
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
    """`reread_golden`, once for every content and corpus: pages ask again with every run."""
    return reread_golden(data, corpus, dict(successors))


def _sample(corpus: Corpus) -> tuple[bytes, Anchoring]:
    """The golden set of the sample corpus, without the questions whose documents are not here."""
    if {document.source for document in corpus}.isdisjoint(samples.sample_files()):
        return b"", Anchoring()
    data = samples.golden()
    found = _reread(data, corpus, ())
    here = tuple(q for q in found.questions if all(lost.kind != "gone" for lost in q.lost))
    ids = {q.id for q in here}
    return data, Anchoring(here, tuple(a for a in found.anchors if a.question in ids), found.problems)


def described(before: tuple[Question, ...], after: tuple[Question, ...]) -> str:
    """What an edit did, in a few words: "added q12", "changed 3 questions"."""
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
