"""A report as one HTML page that asks nothing of the network, prints, and is light or dark as its reader's screen is.

Nothing of a document, a question or a name is markup here: all of it passes `safe`. The page has no script, and a
policy that would load nothing even if something slipped through.
"""

import re
from html import escape

from workbench.reports.blocks import Block, Code, Figure, Passage, Piece, Points, Report, Section, Table, Text

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
