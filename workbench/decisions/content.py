"""The words of the decision page, from `content.yaml`, checked when they are loaded."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.pipelines import read_yaml

Where = Mapping[str, Sequence[str]]
"""Question → those of its answers that something is for."""

FILE = Path(__file__).with_name("content.yaml")

_KEYS = {
    "questions", "results", "knowledge", "trainable", "rules", "contradictions", "dimensions", "plan", "exclusions",
    "mistakes", "prompts", "prompt_rules",
}  # fmt: skip


def holds(where: Where, answers: Mapping[str, str]) -> bool:
    """Return whether every question of `where` has one of these answers."""
    return all(answers.get(question) in some for question, some in where.items())


def read(text: str) -> dict[str, Any]:
    """Return the plain values of the file.

    Raises:
        ValueError: a part is missing, or an entry names a question, an answer or a result that is not there.
    """
    data: dict[str, Any] = read_yaml(text, "content.yaml")
    if set(data) != _KEYS:
        raise ValueError(f"content.yaml has not the keys that are expected: {', '.join(set(data) ^ _KEYS)}")
    for where in _conditions(data):
        for question, some in where.items():
            if wrong := set(some) - set(data["questions"].get(question, {"answers": ()})["answers"]):
                raise ValueError(f"content.yaml: question {question!r} has no answer {', '.join(map(repr, wrong))}")
    results = {rule["result"] for rule in data["rules"]} | set(data["plan"]["middle"])
    if results != set(data["results"]):
        raise ValueError(f"content.yaml: results without words, a rule or a plan: {results ^ set(data['results'])}")
    return data


def _conditions(data: Mapping[str, Any]) -> Iterator[Where]:
    yield data["knowledge"]
    yield {"examples": data["trainable"]}
    for part in ("rules", "contradictions", "dimensions"):
        yield from (entry.get("where", {}) for entry in data[part])


CONTENT = read(FILE.read_text("utf-8"))
"""The file's plain values."""
