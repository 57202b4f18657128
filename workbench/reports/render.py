"""A report as HTML or Markdown, a decision record as Markdown, and rows as CSV."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from workbench.catalogue import DecisionRecord, Rejected
from workbench.reports.blocks import Block, Code, Figure, Passage, Piece, Points, Report, Section, Table, Text
from workbench.sweeps import Leaderboard, cost_for

_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def safe(text: str) -> str:
    """The text as HTML shows it; characters that HTML may not hold are replaced."""
    return escape(_FORBIDDEN.sub("\ufffd", text))


def html(report: Report) -> str:
    """The whole page."""
    body = "\n".join(_section(section, i) for i, section in enumerate(report.sections, 1))
    contents = "".join(
        f"<li><a href='#s{i}'>{safe(s.title)}</a></li>" for i, s in enumerate(report.sections, 1) if s.level == 2
    )
    return (
        "<!doctype html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        "<meta name='color-scheme' content='light dark'>\n<meta name='referrer' content='no-referrer'>\n"
        f"<title>{safe(report.title)}</title>\n<link rel='icon' href='data:,'>\n<style>{STYLE}</style>\n"
        "</head>\n<body>\n"
        f"<header><h1>{safe(report.title)}</h1><p>{safe(report.about)}</p></header>\n"
        f"<nav aria-label='Contents'><ol>{contents}</ol></nav>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _section(section: Section, number: int) -> str:
    tag = f"h{section.level}"
    blocks = "\n".join(_block(block) for block in section.blocks)
    return f"<section id='s{number}'>\n<{tag}>{safe(section.title)}</{tag}>\n{blocks}\n</section>"


def _block(block: Block) -> str:
    match block:
        case Text(text, strong):
            return f"<p{' class=strong' if strong else ''}>{safe(text)}</p>"
        case Points(lines):
            return f"<ul>{''.join(f'<li>{safe(line)}</li>' for line in lines)}</ul>"
        case Table():
            return f"<div class='wide'>{_table(block)}</div>"
        case Figure(svg, caption, data):
            return (
                f"<figure>{svg}<figcaption>{safe(caption)}</figcaption>"
                f"<details><summary>The same as a table</summary><div class='wide'>{_table(data)}</div></details>"
                "</figure>"
            )
        case Passage(where, pieces):
            return f"<div class='passage'><p>{safe(where)}</p><pre>{''.join(map(_piece, pieces))}</pre></div>"
        case Code(text):
            return f"<pre class='code'>{safe(text)}</pre>"


def _table(table: Table) -> str:
    def cells(row: tuple[str, ...], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=n' if i in table.numbers else ''}>{safe(cell)}</{tag}>" for i, cell in enumerate(row)
        )

    rows = "".join(
        f"<tr{' class=marked' if i == table.marked else ''}>{cells(row, 'td')}</tr>" for i, row in enumerate(table.rows)
    )
    return f"<table><thead><tr>{cells(table.head, 'th')}</tr></thead><tbody>{rows}</tbody></table>"


def _piece(piece: Piece) -> str:
    if not piece.text:
        sign, title = ("▸", "a chunk begins") if "begins" in piece.marks else ("◂", "a chunk ends")
        return f"<b class='edge' title='{title}'>{sign}</b>"
    ranks = [mark for mark in piece.marks if mark.startswith("#")]
    names = [mark for mark in piece.marks if mark in ("gold", "hit", "unseen")]
    badge = f"<sup>{safe(' '.join(ranks))}</sup>" if ranks else ""
    return f"<span class='{' '.join(names)}'>{badge}{safe(piece.text)}</span>" if names or badge else safe(piece.text)


STYLE = """
:root { color-scheme: light dark; --ink: #1b2129; --dim: #5b6672; --line: #d5dae0; --page: #fff; --soft: #f5f7f9;
  --blue: #0072B2; --orange: #B36B00; --green: #00785a; --red: #B84A00; --gold: #fff3cf; --tint: #d6e8f3 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --dim: #9aa5b1; --line: #39424d; --page: #0e1117;
  --soft: #171c24; --blue: #56B4E9; --orange: #E69F00; --green: #2fbf97; --red: #ff8a4c; --gold: #463a12; --tint:
  #0a2e46 } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.25rem 4rem; background: var(--page); color: var(--ink);
  font: 15px/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; font-variant-numeric:
  tabular-nums }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .3rem }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line) }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem }
p { margin: .5rem 0; max-width: 46rem } p.strong { font-weight: 600; font-size: 1.06rem }
header p, figcaption, summary, .passage > p { color: var(--dim); font-size: .87rem }
nav ol { columns: 16rem; padding-left: 1.4rem; margin: 1rem 0; font-size: .9rem } a { color: var(--blue) }
ul { padding-left: 1.2rem } li { margin: .2rem 0; max-width: 46rem; overflow-wrap: anywhere }
.wide { overflow-x: auto; margin: .7rem 0 }
table { border-collapse: collapse; font-size: .87rem; min-width: 60% }
th, td { text-align: left; padding: .28rem .8rem .28rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: break-word; unicode-bidi: isolate }
th { font-weight: 600; color: var(--dim); white-space: nowrap } .n { text-align: right; white-space: nowrap }
tr.marked td { font-weight: 600; background: var(--soft) }
figure { margin: 1rem 0 } figure svg { width: 100%; height: auto; max-width: 46rem; display: block }
summary { cursor: pointer }
pre { font: 13px/1.55 ui-monospace, "SF Mono", Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap:
  anywhere;
  background: var(--soft); border: 1px solid var(--line); border-radius: 4px; padding: .6rem .8rem; margin: .3rem 0
  .9rem;
  unicode-bidi: isolate }
.passage > p { margin-bottom: 0 }
.gold { background: var(--gold); outline: 2px solid var(--orange); outline-offset: -1px; padding: 1px 0 }
.hit { border-bottom: 3px solid var(--blue) } .unseen { color: var(--dim); text-decoration: line-through }
sup { color: var(--blue); font-weight: 700; font-size: .75em; margin-right: .2em }
.edge { color: var(--red); font-weight: 700; padding: 0 .1em }
svg text { fill: var(--ink); font: 12px system-ui, "Segoe UI", Roboto, Arial, sans-serif } svg .dim { fill: var(--dim)
  }
svg .axis { stroke: var(--line); stroke-width: 1 } svg .blue { fill: var(--blue) } svg .red { fill: var(--red) }
svg .grey { fill: var(--dim) } svg .line { stroke: var(--ink); stroke-width: 1.4; fill: none }
svg .ring { fill: none; stroke: var(--dim); stroke-width: 1.4 } svg .chosen { stroke: var(--orange); stroke-width: 3;
  fill: none }
svg .front { stroke: var(--blue); stroke-width: 1.2; stroke-dasharray: 4 3; fill: none } svg .cell { fill: var(--blue)
  }
svg .end { text-anchor: end } svg .mid { text-anchor: middle } svg .bold { font-weight: 600 }
@media print { body { max-width: none; padding: 0; font-size: 11pt } nav { display: none } details { display: none }
  h2, h3 { break-after: avoid } figure, .passage, tr { break-inside: avoid } a { color: inherit; text-decoration: none
  } }
"""


_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~$&!])")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def markdown(report: Report) -> str:
    """The whole file."""
    parts = [f"# {one_line(report.title)}", one_line(report.about)]
    for section in report.sections:
        parts += [
            f"{'#' * section.level} {one_line(section.title)}",
            *(_markdown_block(block) for block in section.blocks),
        ]
    return "\n\n".join(parts) + "\n"


def one_line(text: str) -> str:
    """The text on one line, none of whose characters is markup."""
    line = " ".join(_CONTROLS.sub(" ", text).split())
    line = _MARKUP.sub(r"\\\1", line)
    # A line's first characters can make a list of it; a scheme would make a link of an address.
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", re.sub(r"^([-+=])", r"\\\1", line)).replace("://", "\\://")


def fenced(text: str) -> str:
    """The text between fences that it cannot close."""
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
    """Gold between ⟦ ⟧, what the embedder never saw between ⌁ ⌁, hits after their rank, edges as in HTML."""
    out, inside = [], False
    for piece in pieces:
        if not piece.text:
            out.append("▸" if "begins" in piece.marks else "◂")
            continue
        gold = "gold" in piece.marks
        if gold != inside:
            out.append("⟦" if gold else "⟧")
            inside = gold
        ranks = " ".join(mark for mark in piece.marks if mark.startswith("#"))
        text = f"⌁{piece.text}⌁" if "unseen" in piece.marks else piece.text
        out.append(f"({ranks}) {text}" if ranks else text)
    return [*out, "⟧"] if inside else out


def record_markdown(record: DecisionRecord) -> str:
    """What was chosen, by whom, when, why, on what evidence, what was not taken, and the pipeline file."""
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
    """The best configurations beside the chosen one, and what the figures say against each or do not."""
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
    """The value; text that a spreadsheet would take for a formula stands behind an apostrophe, numbers stay numbers.

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
    """The rows' columns as CSV with a head, lines ended as RFC 4180 has it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([cell(name) for name in columns])
    writer.writerows([[cell(row.get(name, "")) for name in columns] for row in rows])
    return out.getvalue()
