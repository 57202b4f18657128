"""Where the choice loses answers: step by step, its worst questions in their documents, what its chunks look like."""

from workbench.anatomy import STEPS, Anatomy, findings, picture_of
from workbench.evaluations import Evaluation
from workbench.pipelines import Pipeline, collection
from workbench.reports import drawings
from workbench.reports.blocks import Block, Figure, Passage, Piece, Section, Table, Text
from workbench.reports.numbers import ends
from workbench.reports.passages import of_picture, where
from workbench.tokens import tokenizer

WORST, SAMPLES = 5, 5
"""Questions that are taken apart, chunks that are shown."""


def losses(anatomy: Anatomy, pipeline: Pipeline) -> Section:
    """The waterfall of lost recall, and why it was lost, with what to try next."""
    bars, unit = anatomy.waterfall(), "tokens" if anatomy.budget.tokens else "hits"
    rows = [(b["word"], f"{b['loss']:.3f}", ends(b["low"], b["high"]), b["questions"]) for b in bars]
    data = Table.of(("Lost at", "Recall", "95 % interval", "Questions"), rows, (1, 3))
    causes = [
        (one.words, f"{one.loss:.3f}", one.questions, one.remedy.line if one.remedy else "–")
        for one in findings(anatomy.causes(), pipeline, str(anatomy.budget))
    ]
    blocks: list[Block] = [Text(f"{anatomy.sentence()[:1].upper()}{anatomy.sentence()[1:]}.", strong=True)]
    blocks.append(
        Figure(
            drawings.waterfall(bars, anatomy.recall),
            f"What each step loses of recall within {anatomy.budget.amount:,} {unit}.",
            data,
        )
    )
    if causes:
        blocks.append(Table.of(("Why it was lost", "Recall", "Questions", "What to try next"), causes, (1, 2)))
    return Section("Where the choice loses answers", tuple(blocks))


def worst(found: Evaluation, anatomy: Anatomy) -> list[Section]:
    """The questions that lose most, each with its passages, its chunks and what came back instead."""
    order = sorted(range(len(anatomy.questions)), key=lambda i: (anatomy.questions[i].ladder.recalls[-1], i))
    lost = [i for i in order if anatomy.questions[i].ladder.recalls[-1] < 1][:WORST]
    if not lost:
        return [Section("The worst questions", (Text("No question loses anything."),))]
    legend = (
        "Outlined text is the gold passage (between ⟦ ⟧ in Markdown), ▸ and ◂ are where chunks begin and end, "
        "underlined text with #1 is the first hit, and struck text was never seen by the embedder."
    )
    out = [Section(f"The {len(lost)} worst questions", (Text(legend),))]
    for n, i in enumerate(lost, 1):
        one = anatomy.questions[i]
        step, loss = max(one.ladder.losses.items(), key=lambda item: item[1])
        words = f"Recall {one.ladder.recalls[-1]:.2f}. It loses {loss:.2f} at the step “{STEPS[step]}”. {one.why}."
        blocks: list[Block] = [Text(words), *of_picture(picture_of(found, anatomy, i), found.corpus)]
        blocks += [Text(f"Without a place in the text: {o.lost.quote[:200]}") for o in one.origins[:2]]
        hits = [
            (hit.rank, where(found.corpus.document(hit.span.document), hit.span), _line(found.corpus[hit.span]))
            for hit in found.hits[i][:3]
        ]
        blocks.append(Table.of(("Rank", "What came back", "Its beginning"), hits, (0,)))
        out.append(Section(f"{n}. {one.question.text}", tuple(blocks), 3))
    return out


def samples(found: Evaluation) -> Section:
    """Chunks at even distances, as they are embedded."""
    rows = collection(found.corpus, found.pipeline.splitter)
    n = len(rows)
    some = sorted({round((i + 0.5) * n / SAMPLES - 0.5) for i in range(SAMPLES)} & set(range(n)))
    counts = tokenizer(found.pipeline.embedder.tokenizer).counts(rows.texts())
    blocks: list[Block] = [
        Text(
            f"{n:,} chunks, median {int(sorted(counts.tolist())[n // 2]) if n else 0:,} tokens of "
            f"{found.pipeline.embedder.source.name}. {len(some)} at even distances:"
        )
    ]
    for i in some:
        span = rows.span(i)
        document = found.corpus.document(span.document)
        text = found.corpus[span]
        cut = f"{text[:600]} …" if len(text) > 600 else text
        header = rows.headers[i]
        pieces = (Piece(f"{header}\n\n"),) if header else ()
        blocks.append(Passage(f"{where(document, span)}, {int(counts[i]):,} tokens", (*pieces, Piece(cut))))
    return Section("What chunks look like", tuple(blocks))


def _line(text: str, longest: int = 140) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[:longest]}…"
