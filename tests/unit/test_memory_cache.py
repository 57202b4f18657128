"""Results kept by their bytes."""

import threading
from concurrent.futures import ThreadPoolExecutor

from workbench.memory_cache import cached


def test_what_was_not_used_for_longest_goes_first() -> None:
    made: list[str] = []

    @cached(10, len)
    def doubled(text: str) -> str:
        made.append(text)
        return 2 * text

    for text in ("aa", "bb", "aa", "cc"):  # 4 bytes each: the third is one too many, and "bb" was used before "aa"
        assert doubled(text) == 2 * text
    assert made == ["aa", "bb", "cc"]
    assert doubled.cache.bytes == 8
    assert (doubled.known("aa"), doubled.known("bb")) == ("aaaa", None)
    doubled("dd")  # "aa" was looked at last
    assert (doubled.known("aa"), doubled.known("cc"), len(made)) == ("aaaa", None, 4)
    doubled("aa")
    assert made == ["aa", "bb", "cc", "dd"]
    doubled("bb")
    assert made == ["aa", "bb", "cc", "dd", "bb"]
    doubled("x" * 50)  # alone above the limit: kept until the next
    assert doubled("x" * 50) is doubled("x" * 50)
    assert doubled.cache.bytes == 100
    doubled.cache_clear()
    assert doubled.cache.bytes == 0
    doubled("x" * 50)
    assert made.count("x" * 50) == 2


def test_a_key_of_ones_own_and_names() -> None:
    made: list[int] = []

    @cached(100, lambda _: 1, key=lambda number, note: number)
    def noted(number: int, note: str) -> str:
        made.append(number)
        return note

    assert noted(1, note="first") == noted(1, "second") == "first"
    assert made == [1]
    assert noted.__name__ == "noted"


def test_threads_are_given_one_object() -> None:
    meet = threading.Barrier(4)

    @cached(100, lambda _: 1)
    def slow(number: int) -> object:
        meet.wait(10)
        return object()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(slow, [1] * 4))
    assert len(set(map(id, found))) == 1
