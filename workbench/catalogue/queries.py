"""The catalogue of a workspace: records are added and never changed; tags and remarks are put to them."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, exists, select
from sqlalchemy.exc import IntegrityError

from workbench.catalogue import (
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
from workbench.catalogue import database as t
from workbench.catalogue.database import transaction
from workbench.errors import RunError
from workbench.records import Run, run_from_json, run_to_json
from workbench.records.runs import LARGEST
from workbench.specs import fingerprint

MOST = 500
"""Entries that one query returns, the newest."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What one workspace measured and decided. Every method raises StoreError if the database cannot be used."""

    url: str
    workspace: str

    # --- runs

    def record(self, run: Run) -> int:
        """Keep the run and return its id. The same run again replaces the body of its entry."""
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
        with transaction(self.url, write=True) as connection:
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
        """Return the runs that match, the newest first, at most `MOST`.

        Every word of `text` must be part of the label, and `metric` must have been measured, with a mean of `at_least`.
        """
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
        with transaction(self.url) as connection:
            rows = [dict(row._mapping) for row in connection.execute(wanted)]
            ids = [row["id"] for row in rows]
            means, tags, remarks = (_of(connection, table, ids) for table in (t.means, t.tags, t.remarks))
        return [_entry(row, means, tags, remarks) for row in rows]

    def run(self, id: int) -> Run:
        """Return the whole run.

        Raises:
            RunError: this workspace has none with this id.
        """
        with transaction(self.url) as connection:
            body = connection.scalar(select(t.runs.c.body).where(*self._mine(id)))
        if body is None:
            raise RunError(f"there is no run {id} in this workspace's history")
        return run_from_json(zlib.decompressobj().decompress(body, LARGEST))

    def tag(self, id: int, tags: Sequence[str]) -> None:
        """Give the run these tags in place of those before.

        Raises:
            RunError: there is no such run, or a tag is empty or too long.
        """
        kept = list(dict.fromkeys(said(tag, "a tag", LONGEST_TAG) for tag in tags))
        with transaction(self.url, write=True) as connection:
            self._must_have(connection, id)
            connection.execute(t.tags.delete().where(t.tags.c.run == id))
            if kept:
                connection.execute(t.tags.insert(), [{"run": id, "tag": tag} for tag in kept])

    def remark(self, id: int, text: str, by: str) -> None:
        """Keep a comment on a run.

        Raises:
            RunError: there is no such run, or a text is empty or too long.
        """
        row = {
            "run": id,
            "by": said(by, "a name", LONGEST_NAME),
            "at": _now(),
            "text": said(text, "the remark", LONGEST_TEXT),
        }
        with transaction(self.url, write=True) as connection:
            self._must_have(connection, id)
            connection.execute(t.remarks.insert(), [row])

    def remarks(self, id: int) -> list[Remark]:
        """Return the comments on a run, the oldest first."""
        with transaction(self.url) as connection:
            self._must_have(connection, id)
            rows = connection.execute(select(t.remarks).where(t.remarks.c.run == id).order_by(t.remarks.c.id))
            return [Remark(row.by, row.at, row.text) for row in rows]

    def tags(self) -> list[str]:
        """Return every tag of a run of this workspace."""
        wanted = select(t.tags.c.tag).join(t.runs, t.runs.c.id == t.tags.c.run)
        wanted = wanted.where(t.runs.c.workspace == self.workspace).distinct().order_by(t.tags.c.tag)
        with transaction(self.url) as connection:
            return list(connection.scalars(wanted))

    # --- golden sets

    def keep_golden(self, golden: str, corpus: str, lines: str, questions: int, label: str = "") -> None:
        """Keep a version of the golden set, each once: `golden` is its identity, `lines` its file."""
        key = {"workspace": self.workspace, "golden": golden, "corpus": corpus}
        rest = {"label": label, "at": _now(), "questions": questions, "lines": lines}
        with transaction(self.url, write=True) as connection:
            _put(connection, t.goldens, key, {}, rest)

    def goldens(self) -> list[GoldenVersion]:
        """Return the versions that were measured on, the newest first."""
        wanted = select(t.goldens).where(t.goldens.c.workspace == self.workspace)
        with transaction(self.url) as connection:
            rows = connection.execute(wanted.order_by(t.goldens.c.id.desc()).limit(MOST))
            return [GoldenVersion(r.golden, r.corpus, r.label, r.at, r.questions, r.lines) for r in rows]

    # --- decisions

    def decide(self, record: DecisionRecord) -> DecisionRecord:
        """Keep the record; return it with its date and number. Decisions are never overwritten: the newest holds."""
        kept = replace(record, at=record.at or _now(), by=record.by.strip(), why=record.why.strip())
        row = asdict(kept) | {"workspace": self.workspace, "rejected": json.dumps([asdict(r) for r in kept.rejected])}
        row.pop("id")
        with transaction(self.url, write=True) as connection:
            id = _inserted(connection, t.decisions, row)
        return replace(kept, id=id)

    def decisions(self) -> list[DecisionRecord]:
        """Return the decisions, the newest first."""
        wanted = select(t.decisions).where(t.decisions.c.workspace == self.workspace)
        with transaction(self.url) as connection:
            rows = [dict(r._mapping) for r in connection.execute(wanted.order_by(t.decisions.c.id.desc()).limit(MOST))]
        for row in rows:
            row.pop("workspace")
            row["rejected"] = tuple(Rejected(**one) for one in json.loads(row["rejected"]))
        return [DecisionRecord(**row) for row in rows]

    # --- how

    def _mine(self, id: int) -> tuple[Any, Any]:
        return t.runs.c.id == id, t.runs.c.workspace == self.workspace

    def _must_have(self, connection: Connection, id: int) -> None:
        """Raise RunError for a run of another workspace, as for one that does not exist."""
        if connection.scalar(select(t.runs.c.id).where(*self._mine(id))) is None:
            raise RunError(f"there is no run {id} in this workspace's history")


def identity(run: Run) -> str:
    """Return the identity of an entry: pipeline, documents, questions, metrics, their definitions and seed."""
    parts = [run.fingerprint, run.corpus, run.golden, list(run.metrics), run.definitions, run.seed]
    return fingerprint(parts if run.measures == 1 else [*parts, run.measures])  # those recorded before had no revision


def _put(
    connection: Connection, table: Table, key: dict[str, Any], values: dict[str, Any], rest: dict[str, Any]
) -> tuple[int, bool]:
    """Return the id of the row with this unique key, and whether it is new; an old one takes the new `values`."""
    same = [table.c[name] == value for name, value in key.items()]
    try:
        with connection.begin_nested():
            return _inserted(connection, table, key | values | rest), True
    except IntegrityError:  # it is there, perhaps from another process a moment ago
        if values:
            connection.execute(table.update().where(*same).values(values))
        return int(connection.execute(select(table.c.id).where(*same)).scalar_one()), False


def _inserted(connection: Connection, table: Table, row: dict[str, Any]) -> int:
    found = connection.execute(table.insert().values(row)).inserted_primary_key
    if found is None:
        raise RunError("the database gave the new row no number")
    return int(found[0])


def _of(connection: Connection, table: Table, ids: Sequence[int]) -> dict[int, list[Any]]:
    """Return the rows of a table by run."""
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
