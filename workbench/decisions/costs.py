"""What each approach costs in twelve months, from inputs that the team edits; not a price list."""

from collections.abc import Collection
from dataclasses import dataclass, fields, replace

from workbench.errors import SpecError
from workbench.specs import option

MONTHS = 12


@dataclass(frozen=True, slots=True)
class CostInputs:
    """The inputs, with starting values to be replaced; money in US dollars, prices per million tokens."""

    queries: float = option(10_000.0, "Queries a month", low=0)
    context_tokens: float = option(1_000.0, "Tokens of context a query", low=0)
    prompt_tokens: float = option(400.0, "Tokens of instructions and question", low=0)
    answer_tokens: float = option(300.0, "Tokens of an answer", low=0)
    input_price: float = option(1.0, "Answering model reads, $ per million tokens", low=0)
    output_price: float = option(4.0, "Answering model writes, $ per million tokens", low=0)
    tuned_factor: float = option(1.5, "Trained model, times the price of the base", low=0)
    document_tokens: float = option(1_000_000.0, "Tokens of all documents", low=0)
    changed_share: float = option(0.1, "Share of documents changed a month; 1: all", low=0, high=100)
    embedding_price: float = option(0.02, "Embedding, $ per million tokens", low=0)
    index_month: float = option(50.0, "Running the index, $ a month", low=0)
    examples: float = option(1_000.0, "Examples to train on", low=0)
    example_tokens: float = option(800.0, "Tokens of an example", low=0)
    example_price: float = option(2.0, "Making and reviewing an example, $", low=0)
    epochs: float = option(3.0, "Passes over the examples", low=0)
    training_price: float = option(10.0, "Training, $ per million tokens", low=0)
    trainings: float = option(4.0, "Trainings a year", low=0)
    host_month: float = option(0.0, "Hosting a trained model, $ a month", low=0)
    day_rate: float = option(800.0, "A day of engineering, $", low=0)
    rag_days: float = option(10.0, "Days to build RAG", low=0)
    tuning_days: float = option(20.0, "Days to build fine-tuning", low=0)
    care_days: float = option(1.0, "Days of care a month, each approach", low=0)

    def __post_init__(self) -> None:
        for f in fields(self):
            value, low, high = getattr(self, f.name), f.metadata["low"], f.metadata["high"] or 1e12
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise SpecError(f"{f.metadata['help']} ({value!r}) must be a number from {low:g} to {high:g}")


@dataclass(frozen=True, slots=True)
class Cost:
    """An approach's costs in dollars: once, each month, each year's trainings; `total` of twelve months."""

    approach: str
    lines: tuple[tuple[str, float], ...]

    @property
    def total(self) -> float:
        """The sum of twelve months."""
        return sum(amount for _, amount in self.lines)


def yearly(given: CostInputs) -> list[Cost]:
    """Return what RAG, fine-tuning and both cost in twelve months, line by line."""
    c = given

    def answers(context: float, factor: float) -> float:
        read = (context + c.prompt_tokens) * c.input_price
        return MONTHS * c.queries * factor * (read + c.answer_tokens * c.output_price) / 1e6

    embedding = c.document_tokens * (1 + MONTHS * c.changed_share) * c.embedding_price / 1e6
    training = c.trainings * c.examples * c.example_tokens * c.epochs * c.training_price / 1e6
    labels, care = c.examples * c.example_price, MONTHS * c.care_days * c.day_rate
    rag, tuning = c.rag_days * c.day_rate, c.tuning_days * c.day_rate
    retrieval = (("Embedding", embedding), ("Index", MONTHS * c.index_month))
    learned = (("Examples", labels), ("Training", training), ("Hosting", MONTHS * c.host_month))
    return [
        Cost("RAG", (("Building", rag), *retrieval, ("Answers", answers(c.context_tokens, 1)), ("Care", care))),
        Cost("Fine-tuning", (("Building", tuning), *learned, ("Answers", answers(0, c.tuned_factor)), ("Care", care))),
        Cost(
            "Both",
            (
                ("Building", rag + tuning),
                *retrieval,
                *learned,
                ("Answers", answers(c.context_tokens, c.tuned_factor)),
                ("Care", 2 * care),
            ),
        ),
    ]


def break_even(given: CostInputs) -> float | None:
    """Return the queries per month at which fine-tuning and RAG cost the same, whichever is cheaper below.

    Where the lines do not cross: 0 if fine-tuning costs less at every volume, None if it never does.
    """
    gap, per_query = _line(given)
    crossing = -gap / per_query if per_query else 0.0
    if crossing > 0:
        return crossing
    return 0.0 if (gap, per_query) < (0.0, 0.0) else None


def _line(given: CostInputs) -> tuple[float, float]:
    """Return (what fine-tuning costs more than RAG without a query, and more with each further one per month)."""
    none, one = (yearly(replace(given, queries=queries)) for queries in (0.0, 1.0))
    gap = none[1].total - none[0].total
    return gap, one[1].total - one[0].total - gap


def cheaper(given: CostInputs) -> str:
    """Say which of fine-tuning and RAG costs less, at this volume and at others."""
    rag, tuning, _ = yearly(given)
    first, second = (tuning, rag) if tuning.total < rag.total else (rag, tuning)
    names = [{"Fine-tuning": "fine-tuning"}.get(cost.approach, cost.approach) for cost in (first, second)]
    now = (
        f"At {given.queries:,.0f} queries a month {names[0]} costs less: ${first.total:,.0f} against "
        f"${second.total:,.0f} for {names[1]}"
    )
    if first.total == second.total:
        now = f"At {given.queries:,.0f} queries a month both cost ${first.total:,.0f}"
    even = break_even(given)
    if not even:
        return f"{now}; so it is at every volume, by these inputs."
    below, above = ("fine-tuning", "RAG") if _line(given)[1] > 0 else ("RAG", "fine-tuning")
    about = f"{float(f'{even:.3g}'):,.0f}"
    return f"{now}. The lines cross at about {about} queries a month: below it {below} costs less, above it {above}."


@dataclass(frozen=True, slots=True)
class Driver:
    """An input that decides the comparison of costs.

    At `low` and `high`, the ends of its range, fine-tuning costs so much more than RAG (`at_low`, `at_high`, below 0:
    less). `flips` says whether the cheaper of the two is another at either end.
    """

    name: str
    low: float
    high: float
    at_low: float
    at_high: float
    flips: bool

    @property
    def moves(self) -> float:
        """The dollars by which the comparison moves over the range."""
        return abs(self.at_high - self.at_low)


RANGE = 2.0
"""An assumption may be wrong by this factor either way; one of 0 is tried from 0 to its starting value."""

_NONE = {"host_month": 500.0}
"""Upper ends for inputs whose starting value is 0."""


def drivers(given: CostInputs, known: Collection[str] = (), most: int = 2) -> list[Driver]:
    """Return the inputs that carry the comparison of fine-tuning and RAG: those that flip it first, then by effect.

    Each is changed alone within its range. `known` inputs are measured, not assumed.
    """
    now, usual = _difference(given), CostInputs()
    out = []
    for f in fields(CostInputs):
        if f.name in known:
            continue
        value = getattr(given, f.name)
        low, high = (value / RANGE, value * RANGE) if value else (0.0, _NONE.get(f.name, getattr(usual, f.name)))
        high = min(high, f.metadata["high"] or 1e12)
        at_low, at_high = (_difference(replace(given, **{f.name: end})) for end in (low, high))
        out.append(Driver(f.name, low, high, at_low, at_high, min(at_low * now, at_high * now) < 0))
    return sorted(out, key=lambda d: (not d.flips, -d.moves))[:most]


def _difference(given: CostInputs) -> float:
    rag, tuning, _ = yearly(given)
    return tuning.total - rag.total
