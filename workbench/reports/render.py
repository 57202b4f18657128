"""A report as HTML or Markdown, a decision record as Markdown, and rows as CSV."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.catalogue import DecisionRecord, Rejected
from workbench.reports.blocks import Block, Code, Figure, Passage, Piece, Points, Report, Table, Text
from workbench.sweeps import Leaderboard, cost_for

if TYPE_CHECKING:
    from jinja2 import Template

_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def safe(text: str) -> str:
    """Return the text escaped for HTML, with a mark for each character that HTML may not hold."""
    return escape(_FORBIDDEN.sub("\ufffd", text))


@cache
def _page() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: Any) -> Any:
        return Markup(safe(value)) if isinstance(value, str) and not isinstance(value, Markup) else value

    here = FileSystemLoader(Path(__file__).parent)
    env = Environment(
        loader=here, autoescape=True, finalize=shown, undefined=StrictUndefined, keep_trailing_newline=True
    )
    env.filters["kind"] = lambda block: type(block).__name__
    return env.get_template("page.html")


def html(report: Report) -> str:
    """Return the report as one HTML page that loads nothing: no script, no request, whatever a document holds.

    Nothing of a document, a question or a name is markup here: the template escapes all of it, and the page's policy
    would load nothing even if something slipped through.
    """
    return _page().render(report=report)


_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~$&!])")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def markdown(report: Report) -> str:
    """Return the report as Markdown; what another's text says is escaped or fenced, so that it stays text there too."""
    parts = [f"# {one_line(report.title)}", one_line(report.about)]
    for section in report.sections:
        parts += [
            f"{'#' * section.level} {one_line(section.title)}",
            *(_markdown_block(block) for block in section.blocks),
        ]
    return "\n\n".join(parts) + "\n"


def one_line(text: str) -> str:
    """Return the text on one line, none of whose characters is Markdown's markup."""
    line = " ".join(_CONTROLS.sub(" ", text).split())
    line = _MARKUP.sub(r"\\\1", line)
    # A line's first characters can make a list of it; a scheme would make a link of an address.
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", re.sub(r"^([-+=])", r"\\\1", line)).replace("://", "\\://")


def fenced(text: str) -> str:
    """Return the text between fences that it cannot close."""
    clean = _CONTROLS.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    longest = max((len(run) for run in re.findall("`+", clean)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{clean}\n{fence}"


def _markdown_block(block: Block) -> str:
    match block:
        case Text(text, strong):
            return f"**{one_line(text)}**" if strong else one_line(text)
        case Points(lines):
            return "\n".join(f"- {one_line(line)}" for line in lines)
        case Table():
            return _markdown_table(block)
        case Figure(_, caption, data):
            return f"{one_line(caption)}\n\n{_markdown_table(data)}"
        case Passage(where, pieces):
            return f"{one_line(where)}\n\n{fenced(''.join(_pieces(pieces)))}"
        case Code(text):
            return fenced(text)


def _markdown_table(table: Table) -> str:
    def row(cells: tuple[str, ...]) -> str:
        return f"| {' | '.join(one_line(cell) for cell in cells)} |"

    rule = "|".join(" ---: " if i in table.numbers else " --- " for i in range(len(table.head)))
    return "\n".join([row(table.head), f"|{rule}|", *(row(cells) for cells in table.rows)])


def _pieces(pieces: tuple[Piece, ...]) -> list[str]:
    """Mark gold by ⟦ ⟧, text the embedder never saw by ⌁ ⌁, hits by their rank before them, edges as in HTML."""
    out, inside = [], False
    for piece in pieces:
        if not piece.text:
            out.append("▸" if "begins" in piece.marks else "◂")
            continue
        gold = "gold" in piece.marks
        if gold != inside:
            out.append("⟦" if gold else "⟧")
            inside = gold
        text = f"⌁{piece.text}⌁" if "unseen" in piece.marks else piece.text
        out.append(f"({piece.ranks}) {text}" if piece.ranks else text)
    return [*out, "⟧"] if inside else out


def record_markdown(record: DecisionRecord) -> str:
    """Write a decision: what was chosen, by whom, when, why, on what evidence, what was not taken, the pipeline."""
    lines = [
        f"# Decision{f' {record.id}' if record.id else ''}: {one_line(record.label)}",
        "",
        f"- Decided by {one_line(record.by)} on {one_line(record.at[:10] or 'a day not recorded')}",
        f"- Configuration {one_line(record.chosen)}, measured by {one_line(record.metric)}",
        f"- Documents {one_line(record.corpus)}, golden set {one_line(record.golden)}",
        "",
        "## Why",
        "",
        *(one_line(line) for line in record.why.splitlines()),
        "",
        "## What the figures said",
        "",
        one_line(record.verdict),
        "",
        "## Not taken",
        "",
        *(
            [f"- {one_line(one.label)} ({one_line(one.fingerprint)}): {one_line(one.why)}" for one in record.rejected]
            or ["Nothing."]
        ),
        "",
        "## The pipeline",
        "",
        fenced(record.pipeline.rstrip("\n")),
        "",
    ]
    return "\n".join(lines)


def rejected(board: Leaderboard, chosen: str, most: int = 8) -> tuple[Rejected, ...]:
    """Return the best configurations beside the chosen one, and what the figures say against each."""
    own = next(row for row in board.rows if row.run.fingerprint == chosen)
    what, cost = cost_for(board.metric, [row.run for row in board.rows], board.cost)[1]
    here, out = cost(own.run), []
    for row in [row for row in board.rows if row is not own][:most]:
        gap = row.interval.mean - own.interval.mean
        more = cost(row.run) - here
        share = f"{abs(100 * more / here):.0f} % " if here else ""
        price = f"{share}{'more' if more > 0 else 'fewer'} {what}" if abs(more) >= 0.005 * here else f"as many {what}"
        settled = row.standing is not None and row.standing.verdict == "ruled out"
        state = "significantly worse" if settled else "not significantly worse"
        out.append(Rejected(row.run.fingerprint, row.name, f"{gap:+.3f} {board.metric}, {price}; {state}"))
    return tuple(out)


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def cell(value: Any) -> Any:
    """Return the value; text that a spreadsheet would take for a formula after an apostrophe, numbers as they are.

    Source: OWASP, "CSV Injection".
    """
    if not isinstance(value, str):
        return value
    begins = value.startswith(_FORMULA) or value.lstrip().startswith(_FORMULA)
    return f"'{value}" if begins and not _is_number(value) else value


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "").replace("%", ""))
    except ValueError:
        return False
    return text == text.strip()


def as_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return the rows' columns as CSV with a header, lines ended as in RFC 4180."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([cell(name) for name in columns])
    writer.writerows([[cell(row.get(name, "")) for name in columns] for row in rows])
    return out.getvalue()
