"""Corpora whose lost answers were lost on purpose: for each cause several kinds of documents, of varied words.

    made = corpora("severed", seed=0)   # [Made(name, corpus, questions, cause, pipeline fields)]

A made corpus holds many documents of other matters, so that a word's weight means something.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from workbench.documents import Corpus, Document, Section
from workbench.records import Lost, Question, Reference
from workbench.spans import Span
from workbench.specs import digest

SIZE = 110
"""Characters of a chunk, unless a corpus says otherwise: a paragraph of these corpora fits, two do not."""

THINGS = (
    "pump valve boiler sensor cable filter gearbox compressor turbine relay antenna conveyor crane ladder "
    "furnace scanner printer telescope microscope camera projector elevator escalator tractor harvester plough "
    "sailboat anchor rudder violin trumpet organ drum piano loom kiln anvil lathe drill saw bicycle tram ferry "
    "glider balloon rocket satellite"
).split()
PLACES = (
    "cellar attic harbour workshop library kitchen garden stable tower bridge station museum theatre hospital "
    "school market quarry orchard vineyard lighthouse chapel courtyard hangar warehouse laboratory archive "
    "office depot mill barn"
).split()
PEOPLE = (
    "Anselm Borg,Dilek Aydin,Mirko Varga,Oonagh Casey,Teodor Lupu,Yusuf Demir,Saskia Hendriks,Pavel Novak,"
    "Ingrid Dahl,Chidi Okafor,Luisa Moretti,Henrik Sand,Amara Diallo,Kenji Mori,Rosa Quintana,Farid Haddad,"
    "Greta Lindholm,Tomasz Wilk,Noor Rahman,Elias Brandt,Vera Sokolova,Duncan Reid,Mina Park,Jorge Pinto,"
    "Alva Strand,Bilal Aziz,Cora Finch,Emil Roth,Fatou Sarr,Gideon Katz,Hana Kovac,Igor Petrov,Julia Stein,"
    "Karim Nasser,Lena Voss,Marta Ruiz,Nils Berg,Olga Ivanova,Petra Zeman,Quentin Dubois"
).split(",")
TOWNS = (
    "Arlenz Bregano Castrovel Dunmoor Elsbeck Farnholt Grevik Hollin Istria Jarrow Kestrel Lumsden Marvik "
    "Norholm Ostrava Pellworm Quimper Rosdal Selby Tarnow Ulverton Varde Wexcombe Xanten Yarmouth Zwettl "
    "Ambleside Borgund Calder Drosten"
).split()
ADJECTIVES = (
    "old narrow bright heavy quiet rusty wooden spare broken polished hollow steep damp yellow crooked borrowed dusty "
    "gentle brittle warm frozen modest sturdy faded striped"
).split()
VERBS = (
    "carries covers follows lifts guards repairs borrows paints measures replaces crosses meets leaves shows hides"
).split()
ACTS = (
    "turn the brass handle to the left until it clicks,hold the green key down while the lamp blinks,"
    "drain the lower tank into a clean bucket,loosen both wing nuts and reseat the gasket,"
    "wipe the contacts with a dry cloth,unplug the mains lead and wait,swap the two outer hoses,"
    "bleed the air through the upper screw,press the plate firmly against the spring,"
    "slide the latch back and lower the cover,blow dust out of the grille,fit the longer of the two fuses,"
    "warm the housing with a lamp,shorten the belt by one notch,pour a spoon of oil into the cup,"
    "shut the bypass and reopen it slowly"
).split(",")
TIMES = (
    "seven minutes,an hour,half a day,three weeks,ninety seconds,two nights,one season,a fortnight,ten breaths".split(
        ","
    )
)


@dataclass(frozen=True)
class Made:
    """Questions whose answers are lost for known causes, and what of the pipeline makes it so."""

    name: str
    corpus: Corpus
    questions: tuple[Question, ...]
    causes: tuple[str, ...]
    k: int = 5
    size: int = SIZE
    budget: str = ""
    parts: dict[str, Any] = field(default_factory=dict)


def document(name: str, paragraphs: Sequence[str], heading: int = 0) -> Document:
    """A text of paragraphs; those that begin with # are headings, where `heading` is given."""
    text = "\n\n".join(paragraphs)
    id = digest(f"{name} {text}".encode())
    sections, at = [], 0
    for one in paragraphs:
        if heading and one.startswith("#"):
            sections.append(Section("heading", heading, Span(id, at, at + len(one)), one.strip("# ")))
        at += len(one) + 2
    return Document(digest(text.encode()), id, name, text, tuple(sections))


def filler(draw: Random, least: int = 70) -> str:
    """A paragraph of no matter, as long as it must be, that fits a chunk."""
    out = ""
    while len(out) < least:
        a, b = draw.sample(THINGS, 2)
        forms = [
            f"The {draw.choice(ADJECTIVES)} {a} {draw.choice(VERBS)} the {b} in the {draw.choice(PLACES)}.",
            f"Near the {draw.choice(PLACES)} a {draw.choice(ADJECTIVES)} {a} {draw.choice(VERBS)} some {b}.",
            f"Nobody {draw.choice(VERBS)} this {a} after {draw.choice(TIMES)}.",
            f"In {draw.choice(TOWNS)} the {a} {draw.choice(VERBS)} a {draw.choice(ADJECTIVES)} {b}.",
        ]
        out = f"{out} {draw.choice(forms)}".strip()
    return out[: SIZE - 2].rsplit(" ", 1)[0] if len(out) > SIZE - 2 else out


def noise(draw: Random, n: int = 30) -> list[Document]:
    """Documents of other matters."""
    return [document(f"other-{i}.txt", [filler(draw) for _ in range(draw.randint(2, 6))]) for i in range(n)]


def asked(of: Document, text: str, *quotes: str, id: str, lost: Sequence[str] = ()) -> Question:
    references = []
    for quote in quotes:
        at = of.text.index(quote)
        references.append(Reference(Span(of.id, at, at + len(quote)), quote))
    gone = tuple(Lost(of.name, quote, "it is not in the text") for quote in lost)
    return Question(id, text, tuple(references), lost=gone)


# --- each kind of document, as what stands before, the answer, what stands after, and the question


def _codes(draw: Random, i: int) -> tuple[list[str], str, list[str], str]:
    code = f"{draw.choice('EFHKR')}-{4100 + 37 * i}"
    thing = draw.choice(THINGS)
    before = draw.choice(
        [
            f"Error code {code} appears on the {thing} when the {draw.choice(ADJECTIVES)} lamp stays dark.",
            f"{code}: the {thing} in the {draw.choice(PLACES)} stops and its display shows nothing else but that.",
            f"If the {thing} reports fault {code}, something in the {draw.choice(PLACES)} is out of order.",
        ]
    )
    a, b = draw.sample(ACTS, 2)
    answer = f"{a.capitalize()}, then {b}."
    question = draw.choice(
        [
            f"What do I do about {code}?",
            f"How is error {code} of the {thing} cleared?",
            f"The {thing} shows {code}. Remedy?",
        ]
    )
    return [before], answer, [filler(draw)], question


def _persons(draw: Random, i: int) -> tuple[list[str], str, list[str], str]:
    person, thing = PEOPLE[i], draw.choice(THINGS)
    before = (
        f"{person} looks after the {draw.choice(ADJECTIVES)} {thing} and all that belongs to the {draw.choice(PLACES)}."
    )
    pronoun = draw.choice(["She", "He"])
    answer = draw.choice(
        [
            f"{pronoun} can be found on the second floor after nine, except while on leave for {draw.choice(TIMES)}.",
            f"{pronoun} answers calls at extension {200 + 3 * i}, and letters once in {draw.choice(TIMES)}.",
        ]
    )
    return [before], answer, [filler(draw)], f"Where can {person} be reached?"


def _towns(draw: Random, i: int) -> tuple[list[str], str, list[str], str]:
    town = TOWNS[i % len(TOWNS)] + ("" if i < len(TOWNS) else "ford")
    before = (
        [f"# {town} branch"] if draw.random() < 0.5 else [f"About our branch in {town}, which many visitors ask for."]
    )
    thing, place = draw.choice(THINGS), draw.choice(PLACES)
    hour, time = draw.randint(6, 9), draw.choice(TIMES)
    answer = f"Doors open at {hour} and the {thing} beside the {place} is switched off for {time}."
    return before, answer, [filler(draw)], f"When does the {town} branch open?"


def _after(draw: Random, i: int) -> tuple[list[str], str, list[str], str]:
    """The answer first, and what it is about in the paragraph behind it."""
    name = f"{draw.choice(ADJECTIVES).capitalize()} {draw.choice(THINGS).capitalize()} {100 + 7 * i}"
    a, b = draw.sample(ACTS, 2)
    answer = f"Before anything else {a}; after {draw.choice(TIMES)} {b}."
    after = f"So much for the upkeep of model {name}, which was built for the {draw.choice(PLACES)}."
    return [filler(draw)], answer, [after], f"Upkeep of model {name}?"


Kind = Callable[[Random, int], tuple[list[str], str, list[str], str]]
KINDS: dict[str, Kind] = {"codes": _codes, "persons": _persons, "towns": _towns, "after": _after}


# --- one corpus for each cause


def _fit(text: str) -> str:
    return text if len(text) < SIZE else text[: SIZE - 2].rsplit(" ", 1)[0] + "."


def severed(draw: Random, kind: str, n: int = 24) -> Made:
    """The paragraph that is asked by, and next to it the one that answers."""
    documents, questions = [], []
    for i in range(n):
        before, answer, after, question = KINDS[kind](draw, i)
        paragraphs = [
            *(filler(draw) for _ in range(draw.randint(0, 2))),
            *map(_fit, before),
            _fit(answer),
            *map(_fit, after),
        ]
        if kind == "towns" and draw.random() < 0.5:  # the section's heading further off
            paragraphs.insert(len(paragraphs) - 2, filler(draw, 90))
        one = document(f"{kind}-{i}.txt", [*paragraphs, filler(draw)], heading=2)
        documents.append(one)
        questions.append(asked(one, question, _fit(answer), id=f"q{i}"))
    return Made(f"severed-{kind}", Corpus((*documents, *noise(draw))), tuple(questions), ("severed",))


def cut(draw: Random, n: int = 24) -> Made:
    """A passage of two sentences that a boundary parts; the second does not say what it is about."""
    documents, questions = [], []
    for i in range(n):
        before, answer, _, question = KINDS[draw.choice(["codes", "persons"])](draw, i)
        passage = f"{_fit(before[0])} {_fit(answer)}"
        one = document(f"cut-{i}.txt", [*(filler(draw) for _ in range(draw.randint(0, 3))), passage, filler(draw)])
        documents.append(one)
        questions.append(asked(one, question, passage, id=f"q{i}"))
    return Made("cut", Corpus((*documents, *noise(draw))), tuple(questions), ("cut",))


def cut_at_one(draw: Random, n: int = 24) -> Made:
    """A passage that fits a chunk and lies in two, where one hit is all that is allowed."""
    documents, questions = [], []
    for i in range(n):
        before, answer, _, question = KINDS[draw.choice(["codes", "persons"])](draw, i)
        quote = f"{_fit(before[0])} {_fit(answer)}"
        lead = filler(draw, 130)[: 200 - len(quote) // 2].rsplit(" ", 1)[0]
        one = document(f"one-{i}.txt", [f"{lead} {quote}", filler(draw)])
        documents.append(one)
        questions.append(asked(one, question, quote, id=f"q{i}"))
    return Made("cut-one", Corpus((*documents, *noise(draw))), tuple(questions), ("cut",), k=1, size=220)


def _rival(draw: Random, name: str, place: str) -> str:
    word = draw.choice(["Yes", "No", "Perhaps", "Once", "Today", "Then"])
    first, second = draw.sample(ADJECTIVES, 2)
    return f"{word}, the upkeep of {name}: upkeep in the {place}, {first} and {second}, cost {draw.randint(3, 90)}."


def near_miss(draw: Random, style: str, n: int = 24) -> Made:
    """Many paragraphs say what is asked for, the answer among them and not foremost."""
    documents, questions = [], []
    for i in range(n):
        thing = draw.choice(THINGS)
        name = f"{PEOPLE[i].split()[1]}'s {thing}"
        place = draw.choice(PLACES)
        rivals = [_rival(draw, name, place) for _ in range(draw.randint(7, 11))]
        answer = _fit(f"For the upkeep of {name} you {draw.choice(ACTS)} first.")
        quote = answer
        question = f"Upkeep of {name} in the {place}?"
        if style == "apart":
            documents += [document(f"rival-{i}-{j}.txt", [_fit(r), filler(draw)]) for j, r in enumerate(rivals)]
            one = document(f"near-{i}.txt", [filler(draw), answer, filler(draw)])
        elif style == "spaced":
            paragraphs = [p for r in rivals for p in (_fit(r), filler(draw), filler(draw))]
            one = document(f"near-{i}.txt", [*paragraphs, answer, filler(draw), filler(draw)])
        else:
            paragraphs = list(map(_fit, rivals))
            paragraphs.insert(draw.randint(1, len(paragraphs) - 1), answer)
            one = document(f"near-{i}.txt", paragraphs)
        documents.append(one)
        questions.append(asked(one, question, quote, id=f"q{i}"))
    return Made(f"near_miss-{style}", Corpus((*documents, *noise(draw))), tuple(questions), ("near_miss",))


def duplicate(draw: Random, style: str, n: int = 16) -> Made:
    """Several versions of one paragraph, that differ in a figure; the one that is asked for is not foremost."""
    documents, questions = [], []
    for i in range(n):
        thing, town = draw.choice(THINGS), TOWNS[i % len(TOWNS)]
        act = draw.choice(ACTS)
        base = f"In {town} the {thing} is cared for thus: {act}, at a cost of %s."
        numbers = draw.sample(range(100, 999), 8)
        versions = [base % (f"{m} coins" if v < 7 else f"{m}") for v, m in enumerate(numbers)]
        if style == "alone":
            some = [document(f"v{v}-{i}.txt", [text]) for v, text in enumerate(versions)]
        else:
            some = [document(f"v{v}-{i}.txt", [filler(draw), text, filler(draw)]) for v, text in enumerate(versions)]
        documents += some
        questions.append(
            asked(some[7], f"How is the {thing} in {town} cared for, for how many coins?", versions[7], id=f"q{i}")
        )
    return Made(f"duplicate-{style}", Corpus((*documents, *noise(draw))), tuple(questions), ("duplicate",), size=150)


def truncated(draw: Random, n: int = 20) -> Made:
    """The answer at the end of a chunk that is longer than what the model reads."""
    documents, questions = [], []
    for i in range(n):
        tail = f"The {draw.choice(ADJECTIVES)} {draw.choice(THINGS)} of {PEOPLE[i]} stands in {TOWNS[i % len(TOWNS)]}."
        text = f"{filler(draw, 90)} {filler(draw, 90)} {tail}"
        one = document(f"long-{i}.txt", [filler(draw), text, filler(draw)])
        documents.append(one)
        questions.append(asked(one, f"Where does the {tail.split()[2]} of {PEOPLE[i]} stand?", tail, id=f"q{i}"))
        documents += [document(f"about-{i}-{j}.txt", [f"{PEOPLE[i]} saw a {draw.choice(THINGS)}."]) for j in range(6)]
    return Made("truncated", Corpus((*documents, *noise(draw))), tuple(questions), ("truncated",), size=300)


def budget(draw: Random, n: int = 20) -> Made:
    """A passage three times as long as all that one hit can hold."""
    documents, questions = [], []
    for i in range(n):
        quote = " ".join(f"{PEOPLE[i]} {draw.choice(VERBS)} a {draw.choice(THINGS)}." for _ in range(9))
        one = document(f"story-{i}.txt", [filler(draw), quote, filler(draw)])
        documents.append(one)
        questions.append(asked(one, f"What became of {PEOPLE[i]}?", quote, id=f"q{i}"))
    return Made("budget", Corpus((*documents, *noise(draw))), tuple(questions), ("budget",), k=1)


def unparsed(draw: Random, other: Made) -> Made:
    """The questions of another corpus, each with a passage more that the parser lost."""
    questions = tuple(
        replace(q, lost=(Lost("scan.pdf", filler(draw), "it is not in the text"),)) for q in other.questions
    )
    return replace(other, name=f"parse+{other.name}", questions=questions, causes=("parse", *other.causes))


def plain(draw: Random, n: int = 20) -> Made:
    """Questions whose answers are found."""
    documents = [
        document(
            f"easy-{i}.txt",
            [filler(draw), f"{PEOPLE[i]} keeps a {THINGS[i % len(THINGS)]} in {TOWNS[i % len(TOWNS)]}."],
        )
        for i in range(n)
    ]
    questions = tuple(
        asked(one, f"What does {PEOPLE[i]} keep in {TOWNS[i % len(TOWNS)]}?", one.text.split("\n\n")[1], id=f"q{i}")
        for i, one in enumerate(documents)
    )
    return Made("found", Corpus((*documents, *noise(draw))), questions, ())


def severed_and_long(draw: Random, n: int = 20) -> Made:
    """A code in one paragraph, behind it an answer of two chunks and more, where one hit is allowed."""
    documents, questions = [], []
    for i in range(n):
        before, _, after, question = _codes(draw, i)
        answer = f"{'; '.join(draw.sample(ACTS, 7))}.".capitalize()
        one = document(f"long-{i}.txt", [_fit(before[0]), answer, *after])
        documents.append(one)
        questions.append(asked(one, question, answer, id=f"q{i}"))
    return Made("budget+severed", Corpus((*documents, *noise(draw))), tuple(questions), ("budget", "severed"), k=1)


def severed_and_cut(draw: Random, n: int = 20) -> Made:
    """A code in one paragraph, behind it an answer as long as a chunk that a boundary cuts in two; one hit allowed."""
    documents, questions = [], []
    for i in range(n):
        before, _, after, question = _codes(draw, i)
        first, second = (f"{act.capitalize()}." for act in draw.sample([a for a in ACTS if len(a) < 55], 2))
        lead, tail = filler(draw, 60)[:60].rsplit(" ", 1)[0], filler(draw, 60)[:60].rsplit(" ", 1)[0]
        one = document(f"half-{i}.txt", [_fit(before[0]), f"{lead} {first} {second} {tail}", *after])
        documents.append(one)
        questions.append(asked(one, question, f"{first} {second}", id=f"q{i}"))
    return Made("cut+severed", Corpus((*documents, *noise(draw))), tuple(questions), ("cut", "severed"), k=1)


def both(first: Made, second: Made) -> Made:
    """The questions of two corpora asked two at a time; each part of an answer is lost for its own cause."""
    pairs = zip(first.questions, second.questions, strict=False)
    questions = tuple(Question(a.id, f"{a.text} {b.text}", (*a.references, *b.references)) for a, b in pairs)
    corpus = Corpus((*first.corpus.documents, *second.corpus.documents))
    causes = (*first.causes, *second.causes)
    return Made(f"{first.name}+{second.name}", corpus, questions, causes, first.k, max(first.size, second.size))
