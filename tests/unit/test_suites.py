"""`make test` itself: every suite runs, side by side or not, and one that fails is told."""

import pytest
import suites

CODE = "print('word of {0}'); raise SystemExit({1})"


@pytest.mark.parametrize("processors", [1, 2])
def test_all_run_and_a_failure_is_told(processors: int, monkeypatch, capsys) -> None:
    ends = {"a": 0, "b": 1, "c": 0, "last": 5}
    commands = {name: ["python", "-c", CODE.format(name, end)] for name, end in ends.items()}
    monkeypatch.setattr(suites, "SUITES", commands)
    monkeypatch.setattr(suites, "LANES", (("a", "c"), ("b",)))
    monkeypatch.setattr(suites.os, "cpu_count", lambda: processors)
    monkeypatch.setattr(suites.chromium, "find", lambda: None)
    assert suites.main([]) == 1
    out = capsys.readouterr().out
    assert all(out.count(f"word of {name}\n") == 2 for name in ends)  # as it came, and in the table
    assert out.endswith("Failed: b.\n")
    assert suites.main(["a", "last"]) == 0
    assert suites.main(["d"]) == 2


def test_every_lane_is_of_suites_that_there_are() -> None:
    named = [name for lane in suites.LANES for name in lane]
    assert len(set(named)) == len(named)
    assert set(named) < set(suites.SUITES)
    assert not {"browser", "hostile"} & set(named)  # they wait for the machine, and would wait in vain beside others
