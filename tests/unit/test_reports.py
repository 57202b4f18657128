"""The review pack: nothing of a document is ever markup, nothing is fetched, the same evidence gives the same bytes."""

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from workbench.anatomy import explain
from workbench.catalogue import DecisionRecord, Rejected
from workbench.cli import main
from workbench.documents import Corpus
from workbench.embedders import Static
from workbench.errors import RunError, SpecError
from workbench.evaluations import evaluate, run_of
from workbench.parsers import Auto, parse
from workbench.pipelines import Pipeline, collection, to_yaml
from workbench.records import Question, Reference
from workbench.reports import (
    Evidence,
    Load,
    as_csv,
    assumptions,
    html,
    manifest,
    markdown,
    project,
    record_markdown,
    review_pack,
    untested,
)
from workbench.reports.blocks import Piece, count, excerpt
from workbench.reports.drawings import distinct, heat, intervals, ticks
from workbench.reports.render import cell
from workbench.retrievers import BM25
from workbench.spans import Span
from workbench.splitters import Recursive
from workbench.sweeps import leaderboard, more_questions, surface, sweep

HOSTILE = "<img src=https://evil.example/x onerror=alert(1)>"
BREAKS = "</pre></svg></style><script src='//evil.example/a.js'></script>\"'`|![x](https://evil.example/y)"


def a_pipeline(size: int = 40, **changes) -> Pipeline:
    return Pipeline(
        splitter=Recursive(chunk_size=size, chunk_overlap=0, tokenizer="wordllama-256"),
        embedder=Static(),
        **{"retriever": BM25(), "k": 1} | changes,
    )


def made(evil: str = "plain words", breaks: str = "other words", **changes) -> Evidence:
    """The evidence of three configurations on two documents whose every text, name and tag holds what is given."""
    pumps = f"Pumps are checked in spring. {evil}\n\n" + f"The valve {breaks} is closed by hand, then drained.\n\n" * 8
    rates = f"# Rates {evil}\n\nThe hotel in Lisbon costs 160 euros. {breaks}\n\nIn Porto it costs 140 euros.\n"
    name = f"{evil}.md".replace("/", "_")
    documents = [parse(name, pumps.encode(), Auto()), parse("b.md", rates.encode(), Auto())]
    corpus = Corpus(tuple(documents))

    def question(i: int, text: str, quote: str) -> Question:
        document = next(d for d in documents if quote in d.text)
        start = document.text.index(quote)
        one = Reference(Span(document.id, start, start + len(quote)), quote)
        return Question(f"q{i}{evil}", text, (one,), (f"tag {evil}",))

    questions = (
        question(1, f"When are pumps checked {evil}?", "Pumps are checked in spring."),
        question(2, f"What does it cost in Lisbon {breaks}", "The hotel in Lisbon costs 160 euros."),
        question(3, "Something about drained valves?", "In Porto it costs 140 euros."),
    )
    pipelines = [a_pipeline(40), a_pipeline(80), a_pipeline(80, k=2)]
    results = sweep(corpus, questions, pipelines)
    found = evaluate(corpus, questions, pipelines[0], results.runs[0].metrics)
    record = DecisionRecord(
        chosen=pipelines[0].fingerprint, label=f"small {evil}", by=f"Ana {evil}", why=f"cheap {breaks}",
        corpus=corpus.id, golden="g", metric="recall@1000tok", verdict="not settled", pipeline=to_yaml(pipelines[0]),
        at="2026-11-24",
        rejected=(Rejected("b", f"large {evil}", breaks),),
    )  # fmt: skip
    fields = {"record": record, "command": f"python -m workbench report {evil}", "question": f"Which? {breaks}"}
    return Evidence(results.runs, found, explain(found), questions, **fields | changes)


class Tags(HTMLParser):
    """The tags of a page with the names of their attributes, and every address in them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, tuple(name for name, _ in attributes)))
        self.addresses += [v or "" for name, v in attributes if name in ("src", "href", "data", "action", "xlink:href")]


@pytest.fixture(scope="module")
def hostile() -> Evidence:
    return made(HOSTILE, BREAKS)


def test_no_tag_of_a_document_survives(hostile):
    page = Tags(html(review_pack(hostile)))
    harmless = {
        "html", "head", "meta", "title", "link", "style", "body", "header", "nav", "main", "section", "h1", "h2", "h3",
        "p", "ol", "ul", "li", "a", "table", "thead", "tbody", "tr", "th", "td", "div", "figure", "figcaption",
        "details", "summary", "pre", "span", "sup", "b", "svg", "g", "path", "rect", "circle", "text",
    }  # fmt: skip
    assert {tag for tag, _ in page.tags} <= harmless
    assert not [name for _, names in page.tags for name in names if name.startswith("on") or name in ("src", "style")]
    assert all(re.fullmatch(r"#s\d+|data:,", address) for address in page.addresses), page.addresses


def test_the_page_may_load_nothing_and_has_no_script(hostile):
    text = html(review_pack(hostile))
    assert "default-src 'none'" in text
    assert "<script" not in text
    assert "url(" not in text
    assert "@import" not in text


def test_what_a_document_says_is_there_as_text(hostile):
    text = html(review_pack(hostile))
    assert "&lt;img src=https://evil.example/x onerror=alert(1)&gt;" in text
    assert "&lt;script src=&#x27;//evil.example/a.js&#x27;&gt;" in text


def test_markdown_holds_no_markup_of_a_document(hostile):
    from markdown_it import MarkdownIt

    text = markdown(review_pack(hostile))
    tokens = [
        t for block in MarkdownIt("commonmark").enable("table").parse(text) for t in (block, *(block.children or ()))
    ]
    assert {t.type for t in tokens}.isdisjoint({"html_block", "html_inline", "image", "link_open"})
    page = Tags(MarkdownIt("commonmark").enable("table").render(text))
    assert "script" not in {tag for tag, _ in page.tags}


def test_the_same_evidence_gives_the_same_bytes():
    first, second = (review_pack(made()) for _ in range(2))
    assert html(first) == html(second)
    assert markdown(first) == markdown(second)


def test_the_pack_says_what_it_must(hostile):
    text = markdown(review_pack(hostile))
    for title in (
        "The question", "The choice", "The choice and its rivals", "Where the choice loses answers", "worst question",
        "What chunks look like", "What was not tested", "What would change the decision", "In production",
        "How to reproduce this",
    ):  # fmt: skip
        assert title in text
    assert "Only one splitter was measured" in text
    assert "No question was held out" in text
    assert "No question without an answer" in text
    assert hostile.chosen.fingerprint in text
    assert "⟦" in text


def test_a_pack_is_about_one_of_its_runs(hostile):
    with pytest.raises(RunError, match="not among the 2 runs"):
        replace(hostile, runs=hostile.runs[1:])
    with pytest.raises(RunError, match="another configuration"):
        replace(hostile, record=replace(hostile.record, chosen="x"))


def test_a_pack_judges_as_the_page_does():
    """By its cost and its population, which the manifest holds."""
    evidence = made()
    for changes, words in (({"unit": "document"}, "at least 8 documents"), ({"cost": "tokens"}, "cost 'tokens'")):
        with pytest.raises(SpecError, match=words):
            review_pack(replace(evidence, **changes))
    by_bytes = replace(evidence, cost="bytes")
    assert "equals are told apart by cost: fewer bytes of vector index is better" in markdown(review_pack(by_bytes))
    # BM25 alone: no vectors to weigh
    assert "equals are told apart by cost: fewer chunks is better" in markdown(review_pack(evidence))
    assert manifest(by_bytes) != manifest(evidence) == manifest(replace(evidence, cost="chunks"))


def test_a_rival_that_leads_elsewhere_is_an_assumption():
    """Half the questions, tagged, are found by the second run alone; the first has all others."""
    evidence = made()
    base = evidence.runs[0]
    questions = tuple(
        replace(base.questions[0], id=f"q{i}", cluster=i, tags=("rare",) if i < 6 else ("usual",)) for i in range(20)
    )
    ones, zeros = tuple([1.0] * len(base.metrics)), tuple([0.0] * len(base.metrics))
    first = replace(base, questions=questions, values=tuple(zeros if i < 6 else ones for i in range(20)))
    second = replace(
        first, fingerprint="b" * 16, label="other", values=tuple(ones if i < 12 else zeros for i in range(20))
    )
    found = assumptions((first, second), leaderboard((first, second)), first.fingerprint)
    mix = next(a for a in found if a.kind == "mix")
    assert "“rare” are 30 % of all" in mix.text
    assert mix.loss == 1.0
    rival = next(a for a in found if a.kind == "rival")
    assert 0 < rival.loss < 1
    board = leaderboard((first, second))
    assert rival.text.startswith("That questions to come are like the 20 questions that judged.")
    assert f"; {more_questions(20, board.decision.more)}." in rival.text, "as the verdict says it"
    assert more_questions(20, board.decision.more) in board.decision.sentence
    settled = replace(board, decision=replace(board.decision, verdict="equivalent", more=None))
    found = assumptions((first, second), settled, first.fingerprint)
    assert not any("would settle it" in a.text or "needed" in a.text for a in found), "nothing is to be settled"


def test_what_is_counted_is_one_or_many():
    assert [count(n, "questions") for n in (0, 1, 2, 1204)] == [
        "0 questions",
        "1 question",
        "2 questions",
        "1,204 questions",
    ]
    evidence = made()
    runs = tuple(replace(run, questions=run.questions[:1], values=run.values[:1]) for run in evidence.runs)
    told = untested(runs, evidence.questions, leaderboard(runs))
    assert "Only 1 question judged; intervals are wide below about 60." in told


def test_the_table_says_verdicts_in_words():
    text = markdown(review_pack(made()))
    assert "inconclusive" in text
    assert "ruled out" not in text
    assert "| not settled" not in text


def test_production_scales_with_documents():
    evidence = made(load=Load())
    run, pipeline, corpus = evidence.chosen, a_pipeline(40, retriever=Pipeline().retriever), evidence.evaluation.corpus
    here = project(run, pipeline, corpus, Load(queries=1000, context_price=2.0, embedding_price=1.0))
    tenfold = project(run, pipeline, corpus, Load(documents=20, queries=1000, characters_per_second=100))
    rows = collection(corpus, pipeline.splitter)
    assert here.chunks == run.chunks == len(rows)
    assert tenfold.chunks == 10 * run.chunks
    assert here.sizes["flat (as chosen)"] == run.chunks * pipeline.embedder.dimensions * 4
    assert here.context_money_month == pytest.approx(run.tokens_per_query * 1000 * 2 / 1e6)
    assert here.embedding_money == pytest.approx(here.embedded_tokens / 1e6)
    assert tenfold.embedding_seconds == pytest.approx(sum(map(len, rows.texts())) * 10 / 100)
    assert tenfold.context_money_month is None
    with pytest.raises(SpecError, match="characters_per_second"):
        Load(characters_per_second=0)


def test_an_excerpt_is_the_text_with_its_layers():
    document = parse("a.txt", b"one two three four five", Auto())
    at = lambda word: Span(document.id, document.text.index(word), document.text.index(word) + len(word))  # noqa: E731
    layers = {"gold": [at("two three")], "#1": [at("three four")], "unseen": [at("five")]}
    found = excerpt(document, at("one two three four five"), layers, [at("three four")])
    assert "".join(p.text for p in found.pieces) == document.text
    assert found.pieces == (
        Piece("one "), Piece("two ", ("gold",)), Piece("", ("begins",)), Piece("three", ("gold", "hit", "#1")),
        Piece(" four", ("hit",)), Piece("", ("ends",)), Piece(" "), Piece("five", ("unseen",)),
    )  # fmt: skip


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", " =1", "\r=1", "＝1"])
def test_a_spreadsheet_takes_no_text_for_a_formula(text):
    assert cell(text) == "'" + text
    (row,) = list(csv.DictReader(io.StringIO(as_csv([{"a": text, "b": -1.5}], ["a", "b"]))))
    assert row == {"a": "'" + text, "b": "-1.5"}


def test_a_record_is_markdown_that_its_texts_cannot_leave(hostile):
    text = record_markdown(hostile.record)
    assert "## Not taken" in text
    assert "workbench: 1" in text
    assert "<img" not in text.split("## The pipeline")[0].replace("\\<img", "")


def test_drawings_hold_every_value():
    svg = intervals(
        [("a · m", 0.5, 0.4, 0.6, "best"), ("b · m", 0.25, float("nan"), float("nan"), "significantly worse")], "recall"
    )
    assert ">0.500  best<" in svg
    assert ">0.250  significantly worse<" in svg
    assert "nan" not in svg
    assert distinct(["a · m", "b · m"]) == ["a", "b"]
    assert distinct(["a"]) == ["a"]
    assert distinct(["a", "a"]) == ["a", "a"]
    assert ticks(0.5, 0.5)[0] <= 0.5 <= ticks(0.5, 0.5)[-1]
    evidence = made()
    found = surface(evidence.runs, evidence.metric)
    drawn = heat(found, "size", "overlap", evidence.metric)
    assert all(f"{v:.3f}" in drawn for line in found.means for v in line if v is not None)


def test_the_command_writes_both_forms(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    (tmp_path / "a.md").write_text("# Pumps\n\nPumps are checked in spring.\n\nValves are closed by hand.\n")
    quote = "Pumps are checked in spring."
    reference = {"document": "a.md", "start": 9, "end": 37, "quote": quote}
    line = json.dumps({"id": "q1", "question": "When?", "references": [reference]})
    (tmp_path / "g.jsonl").write_text(line + "\n")
    (tmp_path / "grid.yaml").write_text(
        "base:\n  splitter: {kind: recursive, unit: characters, chunk_overlap: 0}\n  retriever: {kind: bm25}\n"
        "vary:\n  splitter.chunk_size: [30, 60]\n"
    )
    docs = [str(tmp_path / "a.md"), "--golden", str(tmp_path / "g.jsonl")]
    assert main(["sweep", *docs, "--grid", str(tmp_path / "grid.yaml"), "--out", str(tmp_path / "runs")]) == 0
    outs = ["--out", str(tmp_path / "p.html"), "--out", str(tmp_path / "p.md")]
    runs = ["--runs", str(tmp_path / "runs")]
    assert main(["report", *docs, *runs, *outs]) == 2  # one question settles nothing: nobody is chosen for
    assert "name the choice with --chosen, such as recursive" in capsys.readouterr().err
    chosen = ["--chosen", "recursive 30/0 characters · all-MiniLM-L6-v2 · bm25"]
    decided = ["--decided-by", "Ana", "--why", "small", "--date", "2026-11-24"]
    assert main(["report", *docs, *runs, *outs, *chosen, *decided]) == 0
    assert "Decided by Ana on 2026-11-24: small" in (tmp_path / "p.html").read_text()
    assert "python -m workbench report" in (tmp_path / "p.md").read_text()
    capsys.readouterr()
    assert main(["report", *docs, *runs, "--out", "p.pdf"]) == 2
    assert main(["report", *docs, *runs, *outs, "--chosen", "nothing"]) == 2
    assert main(["report", *docs, *runs, *outs, *chosen, "--why", "small"]) == 2
    assert main(["report", *docs, *runs, *outs, *chosen, "--cost", "tokens"]) == 2
    assert main(["report", *docs, "--runs", str(tmp_path / "none"), *outs]) == 2
    told = capsys.readouterr().err
    refused = ("must end in .html or .md", "no run has this name", "belong together", "no run in this folder")
    for words in (*refused, "cost 'tokens' is the same"):
        assert words in told


def test_a_run_of_other_documents_is_refused():
    evidence = made()
    other = evaluate(evidence.evaluation.corpus, evidence.questions, evidence.evaluation.pipeline)
    run = replace(run_of(other), corpus="0" * 16)
    with pytest.raises(RunError, match="other documents"):
        replace(evidence, runs=(run, *evidence.runs[1:]))


def test_the_committed_example_needs_no_network_and_names_its_command():
    folder = Path(__file__).parents[2] / "docs/example-review"
    text = (folder / "pack.html").read_text("utf-8")
    assert all(re.fullmatch(r"#s\d+|data:,", address) for address in Tags(text).addresses)
    assert "<script" not in text
    assert "default-src &#x27;none&#x27;" in text or "default-src 'none'" in text
    command = "python -m workbench report sample_docs --golden sample_docs/golden.jsonl"
    assert command in text
    assert command in (folder / "pack.md").read_text("utf-8")
    assert f"manifest {re.search(r'manifest ([0-9a-f]{16})', text)[1]}" in (folder / "pack.md").read_text("utf-8")
