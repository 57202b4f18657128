"""A pipeline measured on a golden set: every value is the measure of the hits that the pipeline gives."""

import random
from itertools import accumulate

import pytest

from workbench.anatomy import explain
from workbench.documents import Corpus, Document
from workbench.embedders import Static
from workbench.errors import GoldenError, SpecError
from workbench.evaluations import CHROMA, CONTEXT_TOKENIZER, default_metrics, evaluate, run_of
from workbench.metrics import FORMULAS, first_tokens, judge, precision_omega, published, relevant
from workbench.pipelines import Pipeline, from_mapping, prepared
from workbench.records import Question, Reference
from workbench.retrievers import collection
from workbench.spans import Span, ranges
from workbench.specs import digest
from workbench.store import Store
from workbench.tokens import tokenizer

WORDS = "pump valve sensor leak booster filter tank gauge motor seal grease belt fuse relay hose 🙂 Größe".split()
STATIC = {"embedder": {"kind": "static", "model": "wordllama-256"}}


def document(name: str, seed: int) -> Document:
    draw = random.Random(seed)
    text = "\n\n".join(" ".join(draw.choices(WORDS, k=draw.randint(5, 40))) + "." for _ in range(30))
    return Document(digest(text.encode()), digest(name.encode()), name, text)


CORPUS = Corpus((document("a.txt", 1), document("b.txt", 2)))


def question(i: int) -> Question:
    draw = random.Random(100 + i)
    references = []
    for d in draw.sample(CORPUS.documents, draw.randint(1, 2)):
        start = draw.randrange(len(d.text) - 80)
        span = Span(d.id, start, start + draw.randint(10, 80))
        references.append(Reference(span, d[span]))
    return Question(f"q{i}", f"Which {references[0].quote[:20]}?", tuple(references))


QUESTIONS = (*(question(i) for i in range(12)), Question("none", "Who?", answerable=False))


def pipeline(size: int = 120, **parts: dict[str, object]) -> Pipeline:
    splitter = {"kind": "recursive", "chunk_size": size, "chunk_overlap": size // 4, "unit": "characters"}
    return from_mapping({"splitter": splitter, "retriever": {"kind": "bm25"}, "k": 3, **parts})


BEFORE = {d.id: list(accumulate((not c.isspace() for c in d.text), initial=0)) for d in CORPUS}


def letters(spans: list[Span]) -> list[Span]:
    """The spans counted in characters that are not white space."""
    return [Span(s.document, BEFORE[s.document][s.start], BEFORE[s.document][s.end]) for s in spans]


def test_white_space_is_not_gold() -> None:
    """A passage whose line ends no chunk holds is found whole, and blanks around a passage in a hit cost nothing."""
    text = "Open the valve.\r\n\r\n  Then wait.\n\n\n" + "Nothing here. " * 9
    plan = Document(digest(text.encode()), digest(b"plan"), "plan.txt", text)
    span = Span(plan.id, 0, text.index("Nothing"))
    asked = [Question("q", "Open the valve then wait", (Reference(span, plan[span]),))]
    line = from_mapping(
        {"splitter": {"kind": "recursive", "chunk_size": 16, "chunk_overlap": 0, "unit": "characters"},
         "retriever": {"kind": "bm25"}, "k": 2}
    )  # fmt: skip
    found = evaluate(Corpus((plan,)), asked, line)
    assert len(found.hits[0]) == 2
    assert sum(len(h.span) for h in found.hits[0]) < len(span)
    at = dict(zip(found.metrics, found.values[0].tolist(), strict=True))
    for measure in ("recall", "passage_recall", "precision", "iou", "average_precision"):
        assert at[f"{measure}@2"] == pytest.approx(1), measure
    assert at["precision_omega"] == 1
    anatomy = explain(found)
    assert (anatomy.recall, anatomy.questions[0].ladder.gold) == (1, len("".join(text[: span.end].split())))
    assert all(one.mean == 0 for one in anatomy.steps.values())
    letter = evaluate(Corpus((plan,)), asked, line, to_the_letter=True)
    assert letter.values[0, 0] < 1, "their code counts every character"


def test_a_passage_of_white_space_alone_is_named() -> None:
    d = CORPUS.documents[0]
    at = d.text.index("\n\n")
    blank = Question("q7", "Where?", (Reference(Span(d.id, at, at + 2), "\n\n"),))
    with pytest.raises(GoldenError, match="'q7': its passages hold nothing but white space"):
        evaluate(CORPUS, [blank], pipeline())


def test_merged_hits_count_as_the_pipeline_gives_them_at_its_k() -> None:
    line = pipeline(60, retriever={"kind": "bm25", "expand": "neighbours", "merge": True})
    found = evaluate(CORPUS, QUESTIONS, line, ["recall@3", "recall@10"])
    assert any(len(hits) < 3 for hits in found.hits), "some are merged"
    for asked, hits, (at_k, deeper) in zip(found.questions, found.hits, found.values, strict=True):
        gold = [r.span for r in asked.references]
        assert at_k == FORMULAS["recall"](judge(letters(gold), letters([h.span for h in hits])))
        assert deeper >= at_k


@pytest.mark.parametrize("size", [12, 120, 5000])
def test_values_are_the_measures_of_the_pipelines_hits(size: int) -> None:
    line = pipeline(size)
    names = [f"{m}@{b}" for m in FORMULAS for b in (1, 3, 7, "40tok", "1000tok")] + ["precision_omega"]
    found = evaluate(CORPUS, QUESTIONS, line, names)
    rows, rules = prepared(CORPUS, line), tokenizer(CONTEXT_TOKENIZER)
    chunks = {
        d.id: ranges((s.start, s.end) for s in map(rows.span, range(len(rows))) if s.document == d.id) for d in CORPUS
    }

    solid = {
        id: ranges((s.start, s.end) for s in letters([Span(id, *pair) for pair in spans.tolist()]))
        for id, spans in chunks.items()
    }

    def end(span: Span, n: int) -> int:
        return span.start + int(rules.offsets(CORPUS[span])[n, 0])

    assert found.values.shape == (12, len(names))
    for i, q in enumerate(QUESTIONS[:12]):
        gold = [r.span for r in q.references]
        hits = [h.span for h in line.retriever(rows, [q.text], 1000)[0]]
        sizes = rules.counts([CORPUS[s] for s in hits]).tolist()
        for name, value in zip(names, found.values[i], strict=True):
            measure, _, amount = name.partition("@")
            if not amount:
                assert value == precision_omega(letters(gold), solid)
            elif amount.endswith("tok"):
                kept, counts = first_tokens(hits, sizes, int(amount[:-3]), end)
                assert value == FORMULAS[measure](judge(letters(gold), letters(kept), counts)), name
            else:
                assert value == FORMULAS[measure](judge(letters(gold), letters(hits), sizes)[: int(amount)]), name
        ranks = [r for r, hit in enumerate(letters(hits), 1) if relevant(letters(gold), [hit])[0]]
        assert found.ranks[i] == (ranks[0] if ranks else None)
        assert [h.span for h in found.hits[i]] == hits[:3]
        assert found.tokens[i] == sum(sizes[:3])


def test_a_budget_of_tokens_is_filled_where_chunks_have_fewer_tokens_than_usual() -> None:
    """Eighty characters of five tokens or so."""
    text = "\n\n".join(f"pump {'=' * 64} {i}" for i in range(100))
    plans = Document(digest(text.encode()), digest(b"plans"), "plans.txt", text)
    asked = Question("q", "pump", (Reference(Span(plans.id, 0, 4), "pump"),))
    found = evaluate(Corpus((plans,)), [asked], pipeline(80), ["tokens@300tok", "tokens@5"])
    assert found.values[0, 0] == 300
    assert found.values[0, 1] < 50


def test_to_the_letter() -> None:
    line = pipeline()
    found = evaluate(CORPUS, QUESTIONS, line, to_the_letter=True)
    rows = prepared(CORPUS, line)
    chunks = {
        d.id: ranges((s.start, s.end) for s in map(rows.span, range(len(rows))) if s.document == d.id) for d in CORPUS
    }
    assert found.metrics == CHROMA
    for i, q in enumerate(QUESTIONS[:12]):
        hits = [h.span for h in line.retriever(rows, [q.text], 3)[0]]
        theirs = published.chroma_scores([r.span for r in q.references], hits, chunks)
        assert found.values[i].tolist() == [getattr(theirs, name) for name in CHROMA]


@pytest.mark.parametrize(
    "parts", [{"retriever": {"kind": "hybrid", "depth": 4}}, {"index": {"kind": "hnsw", "m": 2, "ef_search": 3}}]
)
def test_what_depends_on_k_is_asked_for_as_k(parts: dict[str, dict[str, object]]) -> None:
    line = pipeline(30, **({"retriever": {"kind": "dense"}} | STATIC | parts))
    found = evaluate(CORPUS, QUESTIONS, line)
    rows = prepared(CORPUS, line)
    for q, hits in zip(found.questions, found.hits, strict=True):
        assert list(hits) == line.retriever(rows, [q.text], 3)[0]


def test_the_tidy_table_and_what_stands_apart() -> None:
    found = evaluate(CORPUS, QUESTIONS, pipeline(), ["recall@3", "recall@50tok", "precision_omega"])
    rows = list(run_of(found).rows())
    assert (len(rows), found.unanswerable, len(found.questions)) == (36, 1, 12)
    assert [(r["metric"], r["budget"]) for r in rows[:3]] == [
        ("recall", "3"),
        ("recall", "50tok"),
        ("precision_omega", ""),
    ]
    assert {r["pipeline"] for r in rows} == {pipeline().fingerprint}
    assert [r["value"] for r in rows] == found.values.ravel().tolist()
    one = found.intervals()["recall@3"]
    assert one.mean == pytest.approx(found.values[:, 0].mean())
    assert one.low < one.mean < one.high
    assert set(found.seconds) == {"split", "search", "measure"}


def test_queries_are_embedded_once_ever_and_as_the_embedder_does(monkeypatch: pytest.MonkeyPatch) -> None:
    line, store = pipeline(**({"retriever": {"kind": "dense"}} | STATIC)), Store(None)
    collection._known.clear()  # what other tests asked
    first = evaluate(CORPUS, QUESTIONS, line, store=store)
    collection._known.clear()
    rows = prepared(CORPUS, line)
    assert [list(hits) for hits in first.hits] == line.retriever(rows, [q.text for q in QUESTIONS[:12]], 3)

    def never(*_: object) -> None:
        raise AssertionError("embedded again")

    collection._known.clear()
    monkeypatch.setattr(Static, "encode_batch", never)
    assert evaluate(CORPUS, QUESTIONS, line, store=store).values.tolist() == first.values.tolist()


def test_the_default_is_every_measure_at_k_and_at_equal_context() -> None:
    assert {"recall@3", "ndcg@3", "tokens@3", "recall@1000tok", "precision_omega"} <= set(default_metrics(3))
    assert evaluate(CORPUS, QUESTIONS, pipeline()).metrics == default_metrics(3)


def test_what_cannot_be_measured() -> None:
    with pytest.raises(GoldenError, match="no question with an answer"):
        evaluate(CORPUS, QUESTIONS[12:], pipeline())
    with pytest.raises(SpecError, match="is not known"):
        evaluate(CORPUS, QUESTIONS, pipeline(), ["recal@3"])
