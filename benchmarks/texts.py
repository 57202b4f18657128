"""Text of any size made from the sample corpus: the same at every run, and never the same paragraph twice."""

import random
from functools import cache

from workbench.documents import Corpus, Document
from workbench.parsers import parse
from workbench.records import Question, Reference
from workbench.spans import Span
from workbench.specs import digest
from workbench.workspaces.manifest import sample_files

CHANGED = 0.15
"""The share of words that a repeated paragraph has in another's place."""


@cache
def sample() -> Corpus:
    """The sample corpus."""
    return Corpus(tuple(parse(path.name, path.read_bytes()) for path in sample_files().values()))


@cache
def prose(characters: int) -> str:
    """So many characters: the sample corpus, then again in another order with other words, until it is enough."""
    paragraphs = [p for document in sample() for p in document.text.split("\n\n") if p.strip()]
    words = sorted({word for p in paragraphs for word in p.split(" ") if word.isalpha()})
    chance = random.Random(20261122)
    parts, total, first = [], 0, True
    while total < characters:
        for paragraph in paragraphs:
            made = paragraph if first else _varied(paragraph, words, chance)
            parts.append(made)
            total += len(made) + 2
            if total >= characters:
                break
        first = False
        chance.shuffle(paragraphs)
    return "\n\n".join(parts)[:characters]


def _varied(paragraph: str, words: list[str], chance: random.Random) -> str:
    return " ".join(chance.choice(words) if chance.random() < CHANGED else word for word in paragraph.split(" "))


@cache
def document(characters: int) -> Document:
    """`prose` as a document, of any size: what a person may upload is limited elsewhere."""
    text = prose(characters)
    name = digest(text.encode())
    return Document(name, name, f"a-{characters}.txt", text)


def made_questions(text: Document, n: int) -> list[Question]:
    """n questions made of the words of passages; only their number and places matter."""
    chance, found = random.Random(7), []
    for i in range(n):
        start = chance.randrange(len(text.text) - 300)
        span = Span(text.id, start, start + chance.randrange(60, 250))
        words = " ".join(text[span].split()[1:9])
        found.append(Question(f"q{i}", words or "what", (Reference(span, text[span]),)))
    return found
