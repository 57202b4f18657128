"""The catalogue of a workspace: records are added and never changed; tags and remarks are put to them."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.catalogue.engines import database_url, reading, ready, told, writing
from workbench.catalogue.entries import (
    LONGEST_NAME,
    LONGEST_TAG,
    LONGEST_TEXT,
    DecisionRecord,
    Entry,
    GoldenVersion,
    Rejected,
    Remark,
    said,
)
from workbench.errors import RunError
from workbench.records import Run, run_from_json, run_to_json
from workbench.records.runs import LARGEST
from workbench.specs import fingerprint

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

MOST = 500
"""Entries that one question to the catalogue gives back, the newest."""


def open_catalogue(home: Path, workspace: str, url: str = "") -> "Catalogue":
    """The catalogue of a workspace, in the database of a WORKBENCH_HOME or at another URL.

    Raises:
        StoreError: the database cannot be used.
    """
    where = url or database_url(home)
    ready(where)
    return Catalogue(where, workspace)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What one workspace measured and decided. Every method may raise StoreError where the database cannot be used."""

    url: str
    workspace: str

    # --- runs

    def record(self, run: Run) -> int:
        """The id of the run, kept; the same run again is one entry, of which the newer body stands."""
        from workbench.catalogue import tables as t

        body = zlib.compress(run_to_json(run), 6)
        values = {
            "label": run.label,
            "questions": len(run.questions),
            "chunks": run.chunks,
            "index_bytes": float(run.index_bytes),
            "tokens_per_query": run.tokens_per_query,
            "body": body,
            "measures": run.measures,
        }
        key = {"workspace": self.workspace, "identity": identity(run)}
        rest = {"fingerprint": run.fingerprint, "corpus": run.corpus, "golden": run.golden, "at": _now()}
        with told(self._engine), writing(self._engine) as connection:
            id, new = _put(connection, t.runs, key, values, rest)
            if new:
                rows = [{"run": id, "metric": m, "mean": run.mean(m)} for m in run.metrics]
                connection.execute(t.means.insert(), rows)
        return id

    def runs(
        self,
        text: str = "",
        *,
        tag: str = "",
        corpus: str = "",
        golden: str = "",
        metric: str = "",
        at_least: float | None = None,
    ) -> list[Entry]:
        """The newest runs first, at most `MOST`, of which all this holds.

        Every word of `text` is part of the label; `metric` was measured, with a mean of `at_least` so much.
        """
        from sqlalchemy import exists, select

        from workbench.catalogue import tables as t

        wanted = select(*(c for c in t.runs.c if c.name != "body")).where(t.runs.c.workspace == self.workspace)
        for word in text.split():
            wanted = wanted.where(t.runs.c.label.icontains(word, autoescape=True))
        for column, value in ((t.runs.c.corpus, corpus), (t.runs.c.golden, golden)):
            if value:
                wanted = wanted.where(column == value)
        if tag:
            wanted = wanted.where(exists().where(t.tags.c.run == t.runs.c.id, t.tags.c.tag == tag))
        if metric:
            has = exists().where(t.means.c.run == t.runs.c.id, t.means.c.metric == metric)
            wanted = wanted.where(has if at_least is None else has.where(t.means.c.mean >= at_least))
        wanted = wanted.order_by(t.runs.c.at.desc(), t.runs.c.id.desc()).limit(MOST)
        with told(self._engine), reading(self._engine) as connection:
            rows = [dict(row._mapping) for row in connection.execute(wanted)]
            ids = [row["id"] for row in rows]
            means, tags, remarks = (_of(connection, table, ids) for table in (t.means, t.tags, t.remarks))
        return [_entry(row, means, tags, remarks) for row in rows]

    def run(self, id: int) -> Run:
        """The whole run.

        Raises:
            RunError: this workspace has none with this id.
        """
        from sqlalchemy import select

        from workbench.catalogue import tables as t

        with told(self._engine), reading(self._engine) as connection:
            body = connection.scalar(select(t.runs.c.body).where(*self._mine(id)))
        if body is None:
            raise RunError(f"there is no run {id} in this workspace's history")
        return run_from_json(zlib.decompressobj().decompress(body, LARGEST))

    def tag(self, id: int, tags: Sequence[str]) -> None:
        """Nothing; the run has these tags from now on, and no others.

        Raises:
            RunError: there is no such run, or a tag is empty or too long.
        """
        from workbench.catalogue import tables as t

        kept = list(dict.fromkeys(said(tag, "a tag", LONGEST_TAG) for tag in tags))
        with told(self._engine), writing(self._engine) as connection:
            self._must_have(connection, id)
            connection.execute(t.tags.delete().where(t.tags.c.run == id))
            if kept:
                connection.execute(t.tags.insert(), [{"run": id, "tag": tag} for tag in kept])

    def remark(self, id: int, text: str, by: str) -> None:
        """Nothing; keeps what somebody says about a run.

        Raises:
            RunError: there is no such run, or nothing is said, or too much.
        """
        from workbench.catalogue import tables as t

        row = {
            "run": id,
            "by": said(by, "a name", LONGEST_NAME),
            "at": _now(),
            "text": said(text, "the remark", LONGEST_TEXT),
        }
        with told(self._engine), writing(self._engine) as connection:
            self._must_have(connection, id)
            connection.execute(t.remarks.insert(), [row])

    def remarks(self, id: int) -> list[Remark]:
        """What was said about a run, the first first."""
        from sqlalchemy import select

        from workbench.catalogue import tables as t

        with told(self._engine), reading(self._engine) as connection:
            self._must_have(connection, id)
            rows = connection.execute(select(t.remarks).where(t.remarks.c.run == id).order_by(t.remarks.c.id))
            return [Remark(row.by, row.at, row.text) for row in rows]

    def tags(self) -> list[str]:
        """Every tag that a run of this workspace bears."""
        from sqlalchemy import select

        from workbench.catalogue import tables as t

        wanted = select(t.tags.c.tag).join(t.runs, t.runs.c.id == t.tags.c.run)
        wanted = wanted.where(t.runs.c.workspace == self.workspace).distinct().order_by(t.tags.c.tag)
        with told(self._engine), reading(self._engine) as connection:
            return list(connection.scalars(wanted))

    # --- golden sets

    def keep_golden(self, golden: str, corpus: str, lines: str, questions: int, label: str = "") -> None:
        """Nothing; keeps a version of the golden set, each once: `golden` is its identity, `lines` its file."""
        from workbench.catalogue import tables as t

        key = {"workspace": self.workspace, "golden": golden, "corpus": corpus}
        rest = {"label": label, "at": _now(), "questions": questions, "lines": lines}
        with told(self._engine), writing(self._engine) as connection:
            _put(connection, t.goldens, key, {}, rest)

    def goldens(self) -> list[GoldenVersion]:
        """The versions that were measured on, the newest first."""
        from sqlalchemy import select

        from workbench.catalogue import tables as t

        wanted = select(t.goldens).where(t.goldens.c.workspace == self.workspace)
        with told(self._engine), reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(t.goldens.c.id.desc()).limit(MOST))
            return [GoldenVersion(r.golden, r.corpus, r.label, r.at, r.questions, r.lines) for r in rows]

    # --- decisions

    def decide(self, record: DecisionRecord) -> DecisionRecord:
        """The record as kept, with its date and number. Decisions are never overwritten: the newest holds."""
        from workbench.catalogue import tables as t

        kept = replace(record, at=record.at or _now(), by=record.by.strip(), why=record.why.strip())
        row = asdict(kept) | {"workspace": self.workspace, "rejected": json.dumps([asdict(r) for r in kept.rejected])}
        row.pop("id")
        with told(self._engine), writing(self._engine) as connection:
            id = _inserted(connection, t.decisions, row)
        return replace(kept, id=id)

    def decisions(self) -> list[DecisionRecord]:
        """What was decided, the newest first."""
        from sqlalchemy import select

        from workbench.catalogue import tables as t

        wanted = select(t.decisions).where(t.decisions.c.workspace == self.workspace)
        with told(self._engine), reading(self._engine) as connection:
            rows = [dict(r._mapping) for r in connection.execute(wanted.order_by(t.decisions.c.id.desc()).limit(MOST))]
        for row in rows:
            row.pop("workspace")
            row["rejected"] = tuple(Rejected(**one) for one in json.loads(row["rejected"]))
        return [DecisionRecord(**row) for row in rows]

    # --- how

    @property
    def _engine(self) -> Any:
        return ready(self.url)

    def _mine(self, id: int) -> tuple[Any, Any]:
        from workbench.catalogue import tables as t

        return t.runs.c.id == id, t.runs.c.workspace == self.workspace

    def _must_have(self, connection: "Connection", id: int) -> None:
        """Raises RunError for a run of another workspace, as for one that does not exist."""
        from sqlalchemy import select

        from workbench.catalogue import tables as t

        if connection.scalar(select(t.runs.c.id).where(*self._mine(id))) is None:
            raise RunError(f"there is no run {id} in this workspace's history")


def identity(run: Run) -> str:
    """What makes two runs the same entry: pipeline, documents, questions, metrics, their definitions and seed."""
    parts = [run.fingerprint, run.corpus, run.golden, list(run.metrics), run.definitions, run.seed]
    return fingerprint(parts if run.measures == 1 else [*parts, run.measures])  # those recorded before had no revision


def _put(
    connection: "Connection", table: "Table", key: dict[str, Any], values: dict[str, Any], rest: dict[str, Any]
) -> tuple[int, bool]:
    """The id of the row with this unique key, and whether it is new; an old one takes the new `values`."""
    from sqlalchemy import select
    from sqlalchemy.exc import IntegrityError

    same = [table.c[name] == value for name, value in key.items()]
    try:
        with connection.begin_nested():
            return _inserted(connection, table, key | values | rest), True
    except IntegrityError:  # it is there, perhaps from another process a moment ago
        if values:
            connection.execute(table.update().where(*same).values(values))
        return int(connection.execute(select(table.c.id).where(*same)).scalar_one()), False


def _inserted(connection: "Connection", table: "Table", row: dict[str, Any]) -> int:
    found = connection.execute(table.insert().values(row)).inserted_primary_key
    if found is None:
        raise RunError("the database gave the new row no number")
    return int(found[0])


def _of(connection: "Connection", table: "Table", ids: Sequence[int]) -> dict[int, list[Any]]:
    """The rows of a table by the run that they belong to."""
    from sqlalchemy import select

    out: dict[int, list[Any]] = {}
    order = list(table.primary_key.columns)
    for row in connection.execute(select(table).where(table.c.run.in_(ids)).order_by(*order)) if ids else ():
        out.setdefault(row.run, []).append(row)
    return out


def _entry(
    row: dict[str, Any], means: dict[int, list[Any]], tags: dict[int, list[Any]], remarks: dict[int, list[Any]]
) -> Entry:
    id = row["id"]
    facts = {
        name: row[name]
        for name in ("fingerprint", "label", "corpus", "golden", "at", "questions", "chunks", "measures")
    }
    return Entry(
        id,
        **facts,
        index_bytes=int(row["index_bytes"]),
        tokens_per_query=row["tokens_per_query"],
        means={one.metric: one.mean for one in means.get(id, [])},
        tags=tuple(one.tag for one in tags.get(id, [])),
        remarks=len(remarks.get(id, [])),
    )


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
