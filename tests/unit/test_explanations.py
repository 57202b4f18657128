"""Where a pipeline's answers were lost: each rung is what another evaluation measures, and each cause is arranged."""

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pytest
from test_evaluations import CORPUS, QUESTIONS, STATIC, pipeline

from workbench.anatomy import (
    CAUSES,
    STEPS,
    boundary_strips,
    explain,
    origins,
    picture_of,
    rankings,
    waterfall,
)
from workbench.anatomy import causes as causes_module
from workbench.documents import Corpus, Document
from workbench.embedders import Static
from workbench.evaluations import Evaluation, evaluate
from workbench.parsers import Auto, Parser
from workbench.pipelines import Pipeline
from workbench.records import Lost, Question, Reference
from workbench.retrievers import BM25, Dense, Hybrid
from workbench.spans import Span
from workbench.specs import digest
from workbench.splitters import Recursive
from workbench.store import Store

HNSW = {"kind": "hnsw", "m": 2, "ef_construction": 8, "ef_search": 1}
KINDS: dict[str, dict[str, Any]] = {
    "bm25": {},
    "dense": {"retriever": {"kind": "dense"}},
    "hnsw": {"retriever": {"kind": "dense"}, "index": HNSW},
    "neighbours": {"retriever": {"kind": "bm25", "expand": "neighbours"}},
    "merged": {"retriever": {"kind": "dense", "expand": "neighbours", "merge": True}, "index": HNSW},
    "hybrid": {"retriever": {"kind": "hybrid", "depth": 6}, "index": HNSW},
}


def document(name: str, text: str) -> Document:
    return Document(digest(text.encode()), digest(name.encode()), name, text)


@pytest.fixture(scope="module", params=KINDS)
def found(request: pytest.FixtureRequest) -> Evaluation:
    names = ["recall@3", "recall@7", "recall@2", "recall@60tok"]
    return evaluate(CORPUS, QUESTIONS, pipeline(60, **(STATIC | KINDS[request.param])), names, store=Store(None))


@pytest.mark.parametrize("budget", ["3", "7", "2", "60tok"])
def test_the_last_rung_is_the_recall_that_was_measured(found: Evaluation, budget: str) -> None:
    anatomy = explain(found, budget=budget)
    measured = found.values[:, found.metrics.index(f"recall@{budget}")]
    assert [q.ladder.recalls[-1] for q in anatomy.questions] == pytest.approx(measured.tolist())
    assert sum(one.mean for one in anatomy.steps.values()) == pytest.approx(1 - measured.mean())
    for q in anatomy.questions:
        r = q.ladder
        assert r.gold >= r.present >= r.windows >= r.units >= r.exact
        assert r.units >= r.found
        assert r.units - r.severed >= r.exact
        assert sum(part.gold for part in q.parts) == r.units - r.exact
        assert bool(q.cause) == (sum(max(loss, 0) for loss in q.ladder.losses.values()) > 0)
    by_step = dict.fromkeys(STEPS, 0.0)
    for one in anatomy.causes().values():
        by_step[one["step"]] += one["loss"]
    luck = sum(min(q.ladder.losses["index"], 0) for q in anatomy.questions) / len(anatomy.questions)
    by_step["index"] += luck
    assert by_step == pytest.approx({step: one.mean for step, one in anatomy.steps.items()})


def test_the_rung_above_it_is_the_recall_with_an_exact_index(found: Evaluation) -> None:
    exact = Pipeline(splitter=found.pipeline.splitter, embedder=found.pipeline.embedder, k=3)
    line = Pipeline(splitter=exact.splitter, embedder=exact.embedder, retriever=found.pipeline.retriever, k=3)
    other = evaluate(CORPUS, QUESTIONS, line, ["recall@3"])
    anatomy = explain(found)
    assert [q.ladder.recalls[-2] for q in anatomy.questions] == pytest.approx(other.values[:, 0].tolist())
    if found.pipeline.index.kind == "flat":
        assert anatomy.steps["index"].mean == 0
    own = found.pipeline.retriever
    expansion = {"expand": own.expand, "window": own.window, "merge": own.merge}
    hybrid = Pipeline(splitter=exact.splitter, embedder=exact.embedder, retriever=Hybrid(**expansion), k=3)
    if found.pipeline.retriever.kind == "hybrid":
        assert anatomy.regained is None
    else:
        fused = evaluate(CORPUS, QUESTIONS, hybrid, ["recall@3"]).values.mean()
        assert anatomy.regained == pytest.approx(fused - other.values.mean())


def test_plain_values_are_json_and_the_same_each_time(found: Evaluation) -> None:
    anatomy = explain(found)
    plain = anatomy.to_dict(per_question=True)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert explain(found).to_dict(per_question=True) == plain
    bars = waterfall(plain)
    assert bars == anatomy.waterfall()
    assert [bar["step"] for bar in bars] == list(STEPS)
    assert (bars[0]["start"], bars[-1]["end"]) == (1, pytest.approx(anatomy.recall))
    assert all(a["end"] == b["start"] for a, b in pairwise(bars))
    losses = [q.ladder.losses["ranking"] for q in anatomy.worst("ranking")]
    assert losses == sorted(losses, reverse=True)
    assert len(losses) == bars[3]["questions"]


def test_the_view_of_a_question(found: Evaluation) -> None:
    view = picture_of(found, explain(found), 4)
    assert json.loads(json.dumps(view)) == view
    assert [h["rank"] for h in view["hits"]] == list(range(1, len(found.hits[4]) + 1))
    assert len(view["gold"]) == len(found.questions[4].references)
    (strip,) = boundary_strips([found], CORPUS.documents[0].id)
    assert strip["length"] == len(CORPUS.documents[0].text)
    assert {g["state"] for g in strip["gold"]} <= {"whole", "cut", "missed"}
    assert len(strip["gold"]) == sum(r.span.document == CORPUS.documents[0].id for q in QUESTIONS for r in q.references)


PARTS = [
    "The pump hums in the cellar and nobody minds it much at all.",
    "Grease the bearing of the motor twice a year with lithium soap.",
    "The gauge shows red where the pressure of the tank is too high.",
    "Zanzibar is where the spare relays are kept, behind the ladder.",
    "A filter is changed each spring, or when the water tastes of mud.",
]


def lines(*parts: str) -> Document:
    return document("notes.txt", "\n\n".join(parts))


def asked(of: Document, text: str, quote: str, id: str = "q", **more: Any) -> Question:
    at = of.text.index(quote)
    return Question(id, text, (Reference(Span(of.id, at, at + len(quote)), quote),), **more)


def by(retriever: Any, k: int = 1, **parts: Any) -> Pipeline:
    splitter = Recursive(chunk_size=70, chunk_overlap=0, unit="characters")
    return Pipeline(**({"splitter": splitter, "embedder": Static(), "retriever": retriever, "k": k} | parts))


def cause_of(of: Document, question: Question, line: Pipeline) -> str:
    return explain(evaluate(Corpus((of,)), [question], line)).questions[0].cause


def test_found_by_the_other_side_or_a_little_further_down() -> None:
    many = lines(*PARTS, *(f"Room {i} has a lamp, a chair, a table and a window to the yard." for i in range(40)))
    words = asked(many, "Zanzibar lamp chair window room table yard", PARTS[3])
    assert cause_of(many, words, by(Dense())) == "bm25"
    few = asked(many, "lubricate engine", PARTS[1])
    assert explain(evaluate(Corpus((many,)), [few], by(BM25()))).questions[0].ladder.exact == 0
    assert cause_of(many, few, by(BM25())) == "dense"
    assert cause_of(many, few, by(BM25(), embedder=Remoteless())) == "untried"
    apart = [document(f"{i}.txt", part) for i, part in enumerate(PARTS)]
    near = asked(apart[2], "grease bearing motor gauge", PARTS[2])
    assert explain(evaluate(Corpus(tuple(apart)), [near], by(BM25()))).questions[0].cause == "near_miss"


@dataclass(frozen=True, slots=True)
class Remoteless(Static):
    """Stands for a model that is costly to ask: it must not be asked."""

    kind: ClassVar[str] = "costly"

    def check(self) -> None: ...

    def encode_batch(self, texts: list[str], query: bool) -> Any:
        raise AssertionError("asked")


@pytest.fixture(autouse=True)
def costly(monkeypatch: pytest.MonkeyPatch) -> None:
    """`Remoteless` is no static model, though it inherits its files."""
    monkeypatch.setattr(rankings, "_is_cheap", lambda embedder: type(embedder) is Static)


@dataclass(frozen=True, slots=True)
class Short(Static):
    """Sees the first twelve tokens of a text."""

    kind: ClassVar[str] = "short"

    def check(self) -> None: ...

    @property
    def max_tokens(self) -> int | None:
        return 12

    def encode_batch(self, texts: list[str], query: bool) -> Any:
        from workbench.tokens import tokenizer

        rules = tokenizer(self.tokenizer)
        cut = [t[: int(o[12, 0])] if len(o := rules.offsets(t)) > 12 else t for t in texts]
        return Static.encode_batch(self, cut, query)


def test_what_the_embedder_never_saw() -> None:
    long = "A word of welcome to all who come here to read about the old house. The relays are kept in Zanzibar."
    text = lines(long, *(f"Relays of kind {i} click and wear." for i in range(9)))
    splitter = Recursive(chunk_size=110, chunk_overlap=0, unit="characters")
    question = asked(text, "Which kind of relays click and wear?", "The relays are kept in Zanzibar.")
    found = evaluate(Corpus((text,)), [question], by(Dense(), embedder=Short(), splitter=splitter))
    anatomy = explain(found)
    assert anatomy.questions[0].ladder.exact == 0
    assert anatomy.questions[0].cause == "truncated"
    assert "of it truncation" in anatomy.sentence()
    view = picture_of(found, anatomy, 0)
    assert view["unseen"][0]["end"] == len(long)
    assert 30 < view["unseen"][0]["start"] < text.text.index("The relays")
    seeing = evaluate(Corpus((text,)), [question], by(Dense(), splitter=splitter))
    assert explain(seeing).questions[0].cause != "truncated"


def test_a_copy_outranks_the_passage() -> None:
    old = "For journeys by train the company pays second class, booked ten days ahead of travel."
    new = old.replace("ten", "six")
    a, b = document("a.txt", new), document("b.txt", old)
    question = asked(b, "Which class is paid on journeys by train booked six days ahead?", old)
    line = by(BM25(), splitter=Recursive(chunk_size=100, chunk_overlap=0, unit="characters"))
    found = explain(evaluate(Corpus((a, b)), [question], line))
    assert (found.questions[0].ladder.exact, found.questions[0].cause) == (0, "duplicate")


def lost(quote: str, kind: str = "lost") -> Lost:
    return Lost("notes.txt", quote, "it is gone", kind=kind)


def test_passages_that_the_text_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    text = lines(*PARTS)
    passage = "Only pypdf reads this line."
    read: list[str] = []

    def parse(name: str, data: bytes, parser: Parser) -> Document:
        read.append(parser.kind)
        return document(name, passage if parser.kind == "pypdf" else "nothing")

    monkeypatch.setattr(causes_module, "parse_safely", parse)
    several = [lost(passage), lost("Nobody wrote this."), lost("the", "ambiguous"), lost("gone", "gone")]
    kinds = origins(several, Corpus((text,)), Auto(), lambda source: b"%PDF" if source == text.source else None)
    assert [(o.kind, o.parser) for o in kinds] == [
        ("parser", "pypdf"),
        ("unanchored", ""),
        ("ambiguous", ""),
        ("gone", ""),
    ]
    assert len(read) == len(set(read))
    assert "auto" not in read
    assert [o.kind for o in origins(several[:2], Corpus((text,)), Auto())] == ["untried", "untried"]

    half = asked(text, "grease the bearing", PARTS[1], lost=(lost(PARTS[1][::-1]),))
    anatomy = explain(evaluate(Corpus((text,)), [half], by(BM25())), original=lambda source: b"")
    assert anatomy.questions[0].ladder.losses == pytest.approx(
        {"parse": 0.5, "budget": 0, "boundary": 0, "ranking": 0, "index": 0}
    )
    assert anatomy.sentence().startswith(
        "of 0.50 lost recall, 0.50 parser (0.50 of it in no parser's text), 0.00 budget"
    )
    assert anatomy.sentence().endswith(": look at the parser first")
    assert anatomy.to_dict()["steps"]["parse"] == {"mean": 0.5, "low": 0.0, "high": 1.0, "sd": 0.0, "n": 1}
    whole = Question("none", "Who?", lost=(lost("Nobody wrote this."),))
    both = explain(evaluate(Corpus((text,)), [half, whole], by(BM25())))
    assert both.questions[1].ladder.recalls == (1, 0, 0, 0, 0, 0)
    assert both.recall == 0.25


def test_nothing_lost_and_what_cannot_be_told_apart() -> None:
    text = lines(*PARTS)
    one = asked(text, "grease the bearing", PARTS[1])
    assert explain(evaluate(Corpus((text,)), [one], by(BM25()))).sentence() == "no recall is lost within 1 hit"
    # One question loses to the ranking, one to its lost passage: two questions do not say which is larger.
    other = asked(text, "pump", PARTS[3], id="r")
    gone = Question("g", "Who?", lost=(lost("Nobody wrote this."),))
    anatomy = explain(evaluate(Corpus((text,)), [one, other, gone], by(BM25())))
    assert set(anatomy.first()) == {"parse", "ranking"}
    assert " or " in anatomy.sentence()
    many = [asked(text, "pump", PARTS[3], id=f"r{i}") for i in range(3)]
    assert set(explain(evaluate(Corpus((text,)), many, by(BM25()))).first()) == {"ranking"}


def test_tags_and_causes_speak_of_their_own_questions() -> None:
    text = lines(*PARTS)
    good = asked(text, "grease the bearing", PARTS[1], id="good", tags=("easy", "all"))
    bad = asked(text, "pump", PARTS[3], id="bad", tags=("all",))
    anatomy = explain(evaluate(Corpus((text,)), [good, bad], by(BM25())))
    tags = anatomy.tags()
    assert (tags["easy"]["questions"], tags["easy"]["recall"], tags["all"]["recall"]) == (1, 1, 0.5)
    assert tags["all"]["losses"]["ranking"] == 0.5
    ((cause, told),) = anatomy.causes().items()
    assert cause in CAUSES
    assert (told["step"], told["loss"], told["questions"]) == ("ranking", 0.5, ["bad"])
    assert [q.question.id for q in anatomy.worst("ranking")] == ["bad"]
    assert np.isclose(sum(one.mean for one in anatomy.steps.values()), 0.5)


def manuals(n: int = 12, **more: Any) -> tuple[Corpus, list[Question]]:
    """A code in one paragraph, what to do in the next."""
    documents, questions = [], []
    for i in range(n):
        code = f"E-{4100 + 37 * i}"
        answer = (
            f"{['Turn', 'Press', 'Loosen', 'Drain'][i % 4]} the {['brass', 'upper'][i % 2]} handle for {i + 3} minutes."
        )
        one = document(f"manual-{i}.txt", f"Fault {code} is shown and the lamp of the set goes out.\n\n{answer}")
        documents.append(one)
        questions.append(asked(one, f"How do I clear {code}?", answer, id=f"q{i}"))
    return Corpus(tuple(documents)), questions


def test_a_severed_answer_counts_at_the_boundaries_and_says_how_that_is_known() -> None:
    corpus, questions = manuals()
    found = explain(evaluate(corpus, questions, by(BM25())))
    assert found.steps["boundary"].mean == pytest.approx(1 - found.recall) == pytest.approx(1)
    assert found.steps["ranking"].mean == 0
    told = found.causes()["severed"]
    assert (told["step"], told["tried"], len(told["questions"])) == ("boundary", "own", len(questions))
    assert 90 < told["size"] < 110
    assert "severed from its context" in found.sentence()
    assert found.sentence().endswith("look at the boundaries first")
    assert found.questions[0].why.endswith(
        "found at rank 1 once its chunk is joined with the chunks before and after it"
    )
    assert found.embedded == 0


def test_texts_around_lost_answers_are_embedded_once_and_counted_before(tmp_path: Any) -> None:
    corpus, questions = manuals()
    store = Store(tmp_path)
    line = by(Dense())
    reports: list[tuple[int, int]] = []
    measured = evaluate(corpus, questions, line, store=store)
    found = explain(measured, store, embedding=lambda done, total: reports.append((done, total)))
    lost = sum(q.ladder.units > q.ladder.exact for q in found.questions)
    assert lost
    assert found.embedded == lost  # of two chunks in a document, each question has one join
    again = explain(measured, store)
    assert again.to_dict() == found.to_dict()


@dataclass(frozen=True, slots=True)
class Far(Static):
    """Stands for a remote model that was sent the chunks and the questions, and must be sent nothing more."""

    kind: ClassVar[str] = "far"
    sent: ClassVar[list[str]] = []

    def check(self) -> None: ...

    def encode_spans(self, document: Any, chunks: Any, store: Any = None) -> Any:
        self.sent.extend(chunks.texts(document))
        return Static.encode_spans(self, document, chunks, store)


def test_a_remote_model_is_sent_nothing_and_bm25_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rankings, "Remote", Far)
    corpus, questions = manuals()
    measured = evaluate(corpus, questions, by(Dense(), embedder=Far()))
    chunks = {corpus[span] for q in measured.hits for span in (hit.span for hit in q)}
    Far.sent.clear()
    found = explain(measured)
    assert all("\n\n" not in text for text in Far.sent), chunks
    assert found.embedded == 0
    severed = found.causes()["severed"]
    assert severed["tried"] == "bm25"
    assert any("tried with BM25" in q.why for q in found.questions)


def test_what_is_found_in_part_is_said() -> None:
    """Two chunks answer, one alone is found by BM25: that is less than half, and named."""
    long = "Zanzibar holds the spare relays. " + "Each of them is wrapped in oiled paper and counted twice a year. " * 3
    many = lines(long, *(f"Room {i} has a lamp, a chair, a table and a window." for i in range(40)))
    gold = asked(many, "Room lamp chair table window of Zanzibar", long.strip())
    anatomy = explain(evaluate(Corpus((many,)), [gold], by(Dense(), k=1)))
    causes = anatomy.causes()
    assert sum(one["loss"] for one in causes.values()) == pytest.approx(1)
    for cause in ("neither", "untried"):
        if cause in causes:
            assert 0 <= causes[cause]["bm25"] <= causes[cause]["loss"]
