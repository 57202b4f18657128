"""What a configuration costs, by the measure that judges it: only costs that its figures were bought with."""

from collections.abc import Callable, Sequence
from math import isfinite, nan
from typing import NamedTuple

import numpy as np

from workbench.endpoints import remote_model
from workbench.errors import ModelUnavailable, SpecError
from workbench.metrics import UNRANKED
from workbench.records import Run


class RunCost(NamedTuple):
    """A cost: what it is called after a number, and how a run tells it; NaN where the run does not know."""

    label: str
    of: Callable[[Run], float]


def _search_seconds(run: Run) -> float:
    """Of retrieval alone, for a question: other stages may have been cached, and then took no time in this run."""
    took = run.seconds.get("search", run.seconds.get("retrieve"))
    return nan if took is None else took / (len(run.questions) + run.unanswerable)


def _money(run: Run) -> float:
    """US dollars for embedding the chunks once, by the price that the endpoint's definition names today."""
    embedder = run.pipeline.get("embedder", {})
    if embedder.get("kind") != "remote" or run.tokens_sent == 0:
        return 0.0
    try:
        found = remote_model(str(embedder.get("model", "")))
    except ModelUnavailable:  # a run may be of an endpoint that is not defined here any more
        return nan
    price = found.model.price if found else None
    return nan if price is None or run.tokens_sent is None else run.tokens_sent * price / 1e6


def _tokens_at(k: str) -> Callable[[Run], float]:
    """Tokens of the first k hits; the pipeline's own where k is not given."""

    def tokens(run: Run) -> float:
        if f"tokens@{k}" in run.metrics:
            return float(np.mean(run.column(f"tokens@{k}")))
        return run.tokens_per_query if k in ("", str(run.pipeline.get("k"))) else nan

    return tokens


COSTS: dict[str, RunCost] = {
    "tokens": RunCost("tokens at its k", lambda run: run.tokens_per_query),
    "bytes": RunCost("bytes of vector index", lambda run: float(run.index_bytes)),
    "chunks": RunCost("chunks", lambda run: float(run.chunks)),
    "money": RunCost("dollars of embedding", _money),
    "seconds": RunCost("seconds of search", _search_seconds),
}
"""Name → cost, for any measure; `costs_for` gives those that fit one."""


def costs_for(metric: str, runs: Sequence[Run] = ()) -> dict[str, RunCost]:
    """The costs that compare these runs where this metric judges, the default first.

    Within a budget of tokens all configurations hand over the same, and a measure of the chunks hands over nothing:
    tokens are no cost there. Where k judges, the tokens of those k hits are the first cost. A cost that some run does
    not know is left out, and so is money where nobody is paid. Those in which the runs do not differ stand
    behind; seconds always last, since no two measurements give the same.
    """
    measure, _, budget = metric.partition("@")
    # `precision_omega` is a measure of the chunks alone, also among the definitions of chunking_evaluation
    handed_over = not budget.endswith("tok") and measure not in UNRANKED
    own = {"tokens": COSTS["tokens"]}
    if budget:
        hits = "hit" if budget == "1" else "hits"
        own = {"tokens": RunCost(f"tokens in {budget} {hits}", _tokens_at(budget))}
    found = (own if handed_over else {}) | {name: cost for name, cost in COSTS.items() if name != "tokens"}
    values = {name: [cost.of(run) for run in runs] for name, cost in found.items()}
    known = [name for name, some in values.items() if all(map(isfinite, some)) and (name != "money" or any(some))]
    return {name: found[name] for name in sorted(known, key=lambda n: (n == "seconds", len(set(values[n])) == 1))}


def cost_for(metric: str, runs: Sequence[Run], wanted: str | None = None) -> tuple[str, RunCost]:
    """The wanted cost with its name, or without a wish the default for this metric.

    Raises:
        SpecError: the wanted one is not known, or compares nothing where this metric judges.
    """
    there = costs_for(metric, runs)
    name = next(iter(there)) if wanted is None else wanted
    if name not in there:
        why = (
            f"is the same for every configuration where {metric} judges"
            if name == "tokens" and "tok" in metric
            else f"is not known of all these runs where {metric} judges"
            if name in COSTS
            else "is not known"
        )
        raise SpecError(f"cost {name!r} {why}; choose one of {', '.join(there)}")
    return name, there[name]


def amount(value: float) -> str:
    """A cost as text: whole from 100 on, else three digits that count."""
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 100 else f"{value:.3g}"
