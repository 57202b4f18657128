"""A law of every method of every registry: its pipeline file reads back as the same, and is written as by a person."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from workbench.errors import WorkbenchError
from workbench.pipelines import REGISTRIES, Pipeline, from_yaml, read_yaml, to_yaml, write_yaml
from workbench.specs import Spec, from_dict, to_dict

KINDS = [(part, kind) for part, registry in REGISTRIES.items() for kind in registry]
TEXTS = (
    *("\n\n", "\n", " ", "", "\t", "\r\n", "\\n", "\u2028", "\u0085", "\u00a0", "\ufeff", "\N{BOOKMARK TABS}"),
    *("no", "off", "null", "~", "1:30", "0200", "#", "- a", "a: b", "{", "'", '"', " a ", "a\n  b\n", "a " * 90),
)
"""What YAML reads as something else where it is not quoted, or folds where it is quoted badly."""


def variants(part: str, kind: str) -> Iterator[Spec]:
    """Return the method with its defaults, and with each text in each field that takes it."""
    registry = REGISTRIES[part]
    try:
        usual = to_dict(from_dict(registry, {"kind": kind}, part))
    except WorkbenchError as error:
        pytest.skip(f"{part} {kind} needs what is not here: {error}")
    yield from_dict(registry, usual, part)
    for f in dataclasses.fields(registry[kind]):
        values: list[Any] = [*TEXTS] if isinstance(usual[f.name], str) else []
        values = [list(TEXTS[i:]) for i in range(len(TEXTS))] if isinstance(usual[f.name], list) else values
        for value in values:
            try:
                yield from_dict(registry, {**usual, f.name: value}, part)
            except WorkbenchError:  # the field does not take it
                continue


@pytest.mark.parametrize("part, kind", KINDS, ids=lambda name: name)
def test_a_file_reads_back_as_the_same_method(part, kind):
    for method in variants(part, kind):
        text = to_yaml(Pipeline(**{part: method}))
        again = from_yaml(text)
        assert getattr(again, part) == method, text
        assert to_yaml(again) == text


@pytest.mark.parametrize("kind", ["recursive", "separator", "sentences"])
def test_a_file_names_the_same_pipeline(kind):
    for method in variants("splitter", kind):
        pipeline = Pipeline(splitter=method)
        assert from_yaml(to_yaml(pipeline)).fingerprint == pipeline.fingerprint


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_stands_on_its_line_and_reads_back(text):
    written = write_yaml({"separators": [text, "x"], "separator": text})
    assert read_yaml(written, "this") == {"separators": [text, "x"], "separator": text}
    assert "'" not in written.replace(text, "")
    if len(text) < 80:
        assert len(written.splitlines()) == 2


def test_separators_are_written_as_a_person_would():
    text = to_yaml(Pipeline())
    assert r'separators: ["\n\n", "\n", " ", ""]' in text
