"""Medians of interleaved rounds, so that what else the machine does falls on all alike."""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from statistics import median, quantiles
from typing import Any


@dataclass(slots=True)
class Times:
    """The seconds of every round, by the clock and of this process's CPU."""

    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)

    @property
    def wall(self) -> float:
        """The median by the clock."""
        return median(self.walls)

    @property
    def cpu(self) -> float:
        """The median of CPU."""
        return median(self.cpus)

    def measure(self, action: Callable[[], Any]) -> Any:
        """What the action returns; its time is added. Garbage of others is collected before, not in it."""
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        result = action()
        self.cpus.append(time.process_time() - cpu)
        self.walls.append(time.perf_counter() - wall)
        return result


def interleaved(rounds: int, actions: Mapping[str, Callable[[int], Any]]) -> dict[str, Times]:
    """Name → times. Each round calls every action once, with the round's number."""
    times = {name: Times() for name in actions}
    for turn in range(rounds):
        for name, action in actions.items():
            times[name].measure(partial(action, turn))
    return times


def percentile_95(values: list[float]) -> float:
    """The 95th percentile; the largest of fewer than 20."""
    return quantiles(values, n=20, method="inclusive")[-1] if len(values) >= 20 else max(values)
