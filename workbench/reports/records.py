"""A decision record as Markdown, to be kept beside the code that it is about."""

from workbench.catalogue import DecisionRecord, Rejected
from workbench.reports.markdowns import fenced, safe
from workbench.sweeps import Leaderboard, cost_for


def record_markdown(record: DecisionRecord) -> str:
    """What was chosen, by whom, when, why, on what evidence, what was not taken, and the pipeline file."""
    lines = [
        f"# Decision{f' {record.id}' if record.id else ''}: {safe(record.label)}",
        "",
        f"- Decided by {safe(record.by)} on {safe(record.at[:10] or 'a day not recorded')}",
        f"- Configuration {safe(record.chosen)}, measured by {safe(record.metric)}",
        f"- Documents {safe(record.corpus)}, golden set {safe(record.golden)}",
        "",
        "## Why",
        "",
        *(safe(line) for line in record.why.splitlines()),
        "",
        "## What the figures said",
        "",
        safe(record.verdict),
        "",
        "## Not taken",
        "",
        *(
            [f"- {safe(one.label)} ({safe(one.fingerprint)}): {safe(one.why)}" for one in record.rejected]
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
