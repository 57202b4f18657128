"""`verify`: an export is run, and held against what the workbench gives."""

from dataclasses import asdict
from pathlib import Path

from workbench.cli import DONE, NOT_HELD
from workbench.cli.files import corpus_of, store_here
from workbench.cli.flags import Flags
from workbench.cli.output import Progress, shown, warn, write_json
from workbench.errors import SpecError
from workbench.exports import Verification, verify
from workbench.pipelines import from_yaml


def run(arguments: list[str]) -> int:
    """Write `equal` and what was not compared, or each difference with its cause; 1 where there is one."""
    flags = Flags(
        "verify",
        "Runs exported code in a process of its own and compares every chunk, vector and hit with what the workbench "
        "gives. Frameworks are installed once, into environments below WORKBENCH_ENVS (default: the user's cache).",
    )
    flags.add_argument("folder", metavar="DIR", help="what export wrote")
    flags.add_argument("docs", nargs="*", metavar="DOCS", help="the documents, to be parsed anew and compared too")
    flags.add_argument("--query", action="append", metavar="Q", help="a query to compare hits of; may be repeated")
    flags.add_argument("--chunks-only", action="store_true", help="leave out vectors and hits")
    given = flags.read(arguments)
    folder = Path(given["folder"])
    store, status, corpus = store_here(), DONE, None
    if given["docs"]:
        try:
            pipeline = from_yaml((folder / "pipeline.yaml").read_text("utf-8"))
        except OSError as error:
            raise SpecError(f"{folder} is no export: pipeline.yaml cannot be read ({error.strerror})") from None
        corpus, status = corpus_of(given["docs"], pipeline.parser, store, "verify")
    found = verify(
        folder,
        corpus,
        given["query"],
        chunks_only=given["chunks_only"],
        store=store,
        say=warn,
        progress=Progress("embedding", "chunks"),
    )
    if given["json"]:
        escaped = [asdict(one) | {"sentence": one.sentence} for one in found.escapes]
        settled = None if found.equal and "hits" in found.not_compared else found.equal
        facts = {"equal": settled, "outcome": found.outcome, "not_compared": found.not_compared}
        write_json(facts | asdict(found) | {"escapes": escaped})
    else:
        print(_text(found))
    return (DONE if found.equal else NOT_HELD) or status


def _text(found: Verification) -> str:
    lines = []
    for check in found.checks:
        state = "differ" if check.different else "equal" if check.compared else "not compared"
        count = f"{check.different:,} of {check.compared:,}" if check.different else f"{check.compared:,}"
        note = f"  ({shown(check.note)})" if check.note else ""
        lines.append(f"{check.name:<12}{count:>16} {state}{note}")
    for line in found.differences:
        lines.append(f"{line.check}: {shown(line.where)}: {shown(line.ours)} here, {shown(line.theirs)} in the export")
        lines.append(f"    {shown(line.cause)}")
    lines += [shown(one.sentence) for one in found.escapes]
    took = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in found.seconds.items())
    apart = "".join(f"; {name}: not compared" for name in found.not_compared)
    lines.append(f"{'equal' if found.equal else 'different'}: {found.target}{apart}{f'; {took}' if took else ''}")
    return "\n".join(lines)
