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
    """A cost: its label after a number, and its value for a run; NaN where unknown."""

    label: str
    of: Callable[[Run], float]


def _search_seconds(run: Run) -> float:
    """Return the seconds of retrieval per query; other stages may have been cached, and took no time in this run."""
    took = run.seconds.get("search", run.seconds.get("retrieve"))
    return nan if took is None else took / (len(run.questions) + run.unanswerable)


def _money(run: Run) -> float:
    """Return US dollars for embedding the chunks once, by today's price in the endpoint's definition."""
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
    """Return what counts the tokens of the first k hits; of the pipeline's own k where it is ""."""

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
    """Return the costs that compare these runs where this metric judges, the default first.

    Within a budget of tokens all configurations retrieve the same amount, and a measure of the chunks retrieves
    nothing: tokens are not a cost there. At k hits, the tokens of these hits are the first cost. A cost that is unknown
    for some run is left out, and money where nobody is paid. Costs in which the runs do not differ come later, seconds
    always last, since no two measurements agree.
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
    """Return the wanted cost with its name; by default the first for this metric.

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
    """Format a cost: whole from 100 on, else three significant digits."""
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 100 else f"{value:.3g}"
