"""A report as Markdown: what another's text says is escaped or fenced, so that it stays text there too."""

import re

from workbench.reports.blocks import Block, Code, Figure, Passage, Piece, Points, Report, Table, Text

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~$&!])")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def markdown(report: Report) -> str:
    """The whole file."""
    parts = [f"# {safe(report.title)}", safe(report.about)]
    for section in report.sections:
        parts += [f"{'#' * section.level} {safe(section.title)}", *(_block(block) for block in section.blocks)]
    return "\n\n".join(parts) + "\n"


def safe(text: str) -> str:
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


def _block(block: Block) -> str:
    match block:
        case Text(text, strong):
            return f"**{safe(text)}**" if strong else safe(text)
        case Points(lines):
            return "\n".join(f"- {safe(line)}" for line in lines)
        case Table():
            return _table(block)
        case Figure(_, caption, data):
            return f"{safe(caption)}\n\n{_table(data)}"
        case Passage(where, pieces):
            return f"{safe(where)}\n\n{fenced(''.join(_pieces(pieces)))}"
        case Code(text):
            return fenced(text)


def _table(table: Table) -> str:
    def row(cells: tuple[str, ...]) -> str:
        return f"| {' | '.join(safe(cell) for cell in cells)} |"

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
