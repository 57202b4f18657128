"""A few hundred mutated files of all formats: read or refused by name, and the process that asked is as it was."""

import gc
import random

import fuzzing
import pytest

from workbench.parsers import FORMATS, parse_safely, sandbox
from workbench.parsers.detect import sniff

MUTATIONS = 250  # `make fuzz` makes 20,000


@pytest.fixture(autouse=True)
def _no_process_is_left():
    yield
    sandbox.close()


def test_mutated_files_do_no_harm():
    fuzzing.fuzz(len(fuzzing.seeds()), seed=1)  # what is loaded once is loaded before memory is looked at
    sandbox.close()
    gc.collect()
    memory, handles = fuzzing.memory(), fuzzing.handles()
    found = fuzzing.fuzz(MUTATIONS, seed=2)
    sandbox.close()
    gc.collect()
    assert not found.wrong
    assert found.outcomes["read"] > MUTATIONS / 10
    assert found.outcomes["refused"] > MUTATIONS / 10
    assert "Z" not in set(fuzzing.children())
    assert fuzzing.handles() <= handles
    assert fuzzing.memory() <= memory * 1.05 + 5_000_000
    assert parse_safely("well.txt", b"All is well here.").text == "All is well here."


def test_seeds_are_of_every_format_and_are_read():
    formats = set()
    for name, data in fuzzing.seeds().items():
        if name in (*fuzzing.TEXTS, *fuzzing.ZIPPED):
            assert parse_safely(name, data).text
            formats.add(sniff(name, data)[0])
    assert formats >= set(FORMATS) - {"pdf", "docx", "pptx", "xlsx", "xls", "xlsb"}  # most are sample documents


def test_a_mutation_is_made_again_from_its_seed():
    data = fuzzing.seeds()["a.odt"]
    made = {fuzzing.mutate(data, b"other", random.Random(f"0/{n}")) for n in range(20)}
    again = {fuzzing.mutate(data, b"other", random.Random(f"0/{n}")) for n in range(20)}
    assert len(made) > 15
    assert {len(m) for m in made} == {len(m) for m in again}
