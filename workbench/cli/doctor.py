"""`doctor`: what is wrong with the chunks of files and folders, no labels needed."""

import sys
from typing import Any

from workbench.cli import DONE
from workbench.cli.files import corpus_of, store_here
from workbench.cli.flags import Flags, pipeline_file
from workbench.cli.output import shown, warn, write_json
from workbench.diagnostics import Finding, examine
from workbench.documents import Corpus
from workbench.parsers import isolation
from workbench.parsers.sandbox import LIMITS
from workbench.pipelines import Pipeline, split

_EXAMPLES = 3  # of a finding, for people; --json has more
_WIDTH = 90


def run(arguments: list[str]) -> int:
    """Write a line a kind of finding, with its count, its share, examples and what to turn; what is fine last."""
    flags = Flags(
        "doctor",
        "What a chunking cuts, repeats, leaves too small, or hides from the model, found in the chunks alone. "
        "Exit status 0 whatever is found.",
    )
    flags.add_argument("docs", nargs="+", metavar="DOCS", help="files, or folders of them")
    flags.add_argument("--config", metavar="P.yaml", help="a pipeline file (default: the default pipeline)")
    given = flags.read(arguments)
    pipeline = pipeline_file(given["config"]) if given["config"] else Pipeline()
    corpus, status = corpus_of(given["docs"], pipeline.parser, store_here(), "examine")
    chunks = {d.id: split(d, pipeline.splitter) for d in corpus}
    embedder = pipeline.embedder
    findings = examine(corpus, pipeline.splitter, chunks, embedder.tokenizer, embedder.max_tokens)
    for finding in sorted(findings, key=lambda f: -f.share):
        if given["json"]:
            write_json(_row(finding, corpus))
        else:
            _write(finding, corpus)
    sys.stdout.flush()
    held = isolation()
    if not held["network"]:
        warn("warning: this system does not shut the network off from the processes that read files")
    if missing := [limit for limit in LIMITS if limit not in held["limits"]]:
        warn(f"warning: this system does not limit {', '.join(missing)} of the processes that read files")
    if not given["json"]:
        n = sum(len(c) for c in chunks.values())
        warn(f"{n:,} chunks of {len(corpus):,} documents examined; {pipeline.label}")
    return status or DONE


def _row(finding: Finding, corpus: Corpus) -> dict[str, Any]:
    examples = [
        {"document": corpus.document(s.document).name, "start": s.start, "end": s.end} for s in finding.examples
    ]
    return {
        "kind": finding.kind,
        "count": finding.count,
        "of": finding.of,
        "share": round(finding.share, 4),
        "why": finding.why,
        "field": finding.field,
        "remedy": finding.remedy,
        "examples": examples,
    }


def _write(finding: Finding, corpus: Corpus) -> None:
    if not finding.count:
        print(f"  ok    {finding.kind}" + ("" if finding.of else " (nothing of the kind is here)"))
        return
    print(f"{finding.share:>6.1%}  {finding.count:,} of {finding.of:,} {finding.title}")
    print(f"        {finding.why}\n        {finding.field}: {finding.remedy}")
    for span in finding.examples[:_EXAMPLES]:
        text = shown(corpus[span])
        text = text if len(text) <= _WIDTH else f"{text[: _WIDTH // 2]} … {text[-_WIDTH // 2 :]}"
        print(f"        {shown(corpus.document(span.document).name)} [{span.start}–{span.end}]: {text}")
