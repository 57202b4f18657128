"""Turns of reading: so many at once, and owner by owner."""

import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from workbench.documents import Document
from workbench.parsers import Auto, Parser, parse
from workbench.parsers import sandbox as turns_of_all
from workbench.parsers.sandbox import FairQueue, on_behalf_of
from workbench.workspaces import open_workspace


def queued(turns: FairQueue, owners: list[str], read: list[str]) -> list[threading.Thread]:
    """A thread for each, come in this order; each writes its owner down when its turn comes."""

    def one(owner: str) -> None:
        with on_behalf_of(owner), turns.taken():
            read.append(owner)

    threads = []
    for i, owner in enumerate(owners, 1):
        threads.append(threading.Thread(target=one, args=(owner,)))
        threads[-1].start()
        while sum(map(len, turns._waiting.values())) < i:
            time.sleep(0.001)
    return threads


def test_one_file_does_not_wait_for_two_hundred_of_another() -> None:
    turns, read = FairQueue(1), list[str]()
    with turns.taken():
        threads = queued(turns, [*["many"] * 200, "one", "other", "other"], read)
    for thread in threads:
        thread.join(20)
    assert read[:6] == ["many", "one", "other", "many", "other", "many"]
    assert Counter(read) == {"many": 200, "one": 1, "other": 2}


def test_so_many_at_once_and_no_more() -> None:
    turns, inside, most, lock = FairQueue(3), [0], [0], threading.Lock()

    def one(owner: str) -> None:
        with on_behalf_of(owner), turns.taken():
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.005)
            with lock:
                inside[0] -= 1

    threads = [threading.Thread(target=one, args=(str(i % 4),)) for i in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == [3]
    assert (turns._free, dict(turns._waiting)) == (3, {})


def test_a_turn_is_given_back_by_what_fails() -> None:
    turns = FairQueue(1)
    with pytest.raises(ZeroDivisionError), turns.taken():
        raise ZeroDivisionError
    with turns.taken():
        pass
    assert turns._free == 1


def test_one_who_leaves_the_queue_takes_no_turn_along(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = FairQueue(1)

    class Broken(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            raise KeyboardInterrupt

    with turns.taken():
        monkeypatch.setattr(threading, "Event", Broken)
        with pytest.raises(KeyboardInterrupt), turns.taken():
            pass
        monkeypatch.undo()
    assert (turns._free, dict(turns._waiting)) == (1, {})


def test_an_owner_is_named_for_a_while() -> None:
    turns, read = FairQueue(1), list[str]()
    with turns.taken():
        with on_behalf_of("outer"):
            pass
        threads = queued(turns, ["a", "a", ""], read)
    for thread in threads:
        thread.join(20)
    assert read == ["a", "", "a"]


def test_a_workspace_reads_on_its_own_behalf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.setenv("WORKBENCH_MODE", "team")
    seen: list[str] = []

    def read(name: str, data: bytes, parser: Parser) -> Document:
        seen.append(turns_of_all._owner.get())
        return parse(name, data, parser)

    one, other = (open_workspace(parse=read) for _ in range(2))
    one.add("a.txt", b"The first notes.")
    other.add("b.txt", b"The second notes.")
    one.add("c.txt", b"The third notes.")
    assert seen == [one.folder.name, other.folder.name, one.folder.name]
    one.choose_parser(one.sources[-1].id, Auto(encoding="utf-8"))
    assert seen.pop() == one.folder.name
    assert len(seen) == 3
    other.corpus(Auto(encoding="utf-8"))
    assert set(seen[3:]) == {other.folder.name}
    assert turns_of_all._owner.get() == ""
