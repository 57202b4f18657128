"""Golden sets in the form of BEIR: folders and ZIP archives, passages found by name or by their text."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from workbench.documents import Corpus, Document
from workbench.errors import GoldenError
from workbench.golden import read_golden
from workbench.specs import digest

PUMPS = "  The pump hums.\nClose the valve.\n"


def document(name: str, text: str) -> Document:
    return Document(digest(text.encode()), digest(f"{name}{text}".encode()), name, text)


CORPUS = Corpus((document("d1.txt", PUMPS), document("book.md", "One fish here. Two fish there. Red fish.")))

PARTS = {
    "corpus.jsonl": [
        {"_id": "d1", "title": "", "text": "What d1 held elsewhere."},
        {"_id": "p7", "title": "", "text": "Two fish\nthere."},
        {"_id": "p8", "title": "", "text": "fish"},
        {"_id": "p9", "title": "", "text": "Blue fish."},
        {"_id": "t", "title": "book.md", "text": "Red fish."},
    ],
    "queries.jsonl": [
        {"_id": "1", "text": "What hums?"},
        {"_id": "2", "text": "Which fish are there?"},
        {"_id": "3", "text": "Which fish is blue?"},
        {"_id": "4", "text": "Which fish?"},
        {"_id": "5", "text": "Nothing?"},
        {"_id": "6", "text": "Not in the corpus file?"},
    ],
    "qrels/test.tsv": "query-id\tcorpus-id\tscore\n1\td1\t1\n2\tp7\t2\n2\tt\t1\n2\tp9\t0\n3\tp9\t1\n4\tp8\t1\n"
    "5\td1\t0\n6\tp0\t1\n9\td1\t1\n",
}


def files(**changes: object) -> dict[str, bytes]:
    parts = {**PARTS, **changes}
    return {
        name: (part if isinstance(part, str) else "\n".join(json.dumps(row) for row in part)).encode()
        for name, part in parts.items()
        if part is not None
    }


def zipped(parts: dict[str, bytes], top: str = "") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(top + name, data)
    return out.getvalue()


@pytest.fixture(params=["folder", "zip", "zip of a folder"])
def data(request: pytest.FixtureRequest, tmp_path: Path) -> bytes | Path:
    if request.param != "folder":
        return zipped(files(), "" if request.param == "zip" else "nfcorpus/")
    for name, part in files().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(part)
    return tmp_path


def test_what_can_be_found_is_taken_and_the_rest_told(data: bytes | Path) -> None:
    questions, problems = read_golden(data, CORPUS)
    assert [(q.id, q.text, [r.quote for r in q.references]) for q in questions] == [
        ("1", "What hums?", [PUMPS.strip()]),
        ("2", "Which fish are there?", ["Two fish there.", "Red fish."]),
    ]
    assert all(CORPUS[r.span] == r.quote for q in questions for r in q.references)
    assert [str(p) for p in problems] == [
        'line 3: "3": relevant passage "p9" (corpus.jsonl, line 4) is no document of the corpus, and its text '
        "is in none",
        'line 4: "4": relevant passage "p8" (corpus.jsonl, line 3) is in 3 places of the corpus',
        'line 5: "5" has no relevant passage in the qrels',
        'line 6: "6": relevant passage "p0" is not in corpus.jsonl',
        'line 0: qrels name query "9", which is not in queries.jsonl',
    ]


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"corpus.jsonl": None}, "corpus.jsonl is missing"),
        ({"queries.jsonl": None}, "queries.jsonl is missing"),
        ({"qrels/test.tsv": None}, r"qrels/\*.tsv is missing"),
        ({"qrels/test.tsv": "query-id\tcorpus-id\tscore\n1\td1\n"}, "qrels/test.tsv, line 2: query, passage and score"),
    ],
)
def test_a_data_set_that_cannot_be_read_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(GoldenError, match=message):
        read_golden(zipped(files(**changes)), CORPUS)


def test_damaged_archives_are_refused() -> None:
    whole = zipped(files())
    with pytest.raises(GoldenError, match="cannot be read"):
        read_golden(whole[:200], CORPUS)
    at = whole.index(b"corpus.jsonl") + len("corpus.jsonl")
    with pytest.raises(GoldenError, match="cannot be read"):
        read_golden(whole[:at] + bytes(40) + whole[at + 40 :], CORPUS)


def test_bad_lines_spoil_only_themselves() -> None:
    parts = files()
    parts["queries.jsonl"] = b'{"_id": 5}\n\xff\n{\n' + parts["queries.jsonl"]
    parts["corpus.jsonl"] = b"\xff\n[]\n" + parts["corpus.jsonl"]
    questions, problems = read_golden(zipped(parts), CORPUS)
    assert [q.id for q in questions] == ["1", "2"]
    assert [p.line for p in problems[:3]] == [1, 2, 3]
    assert "_id must be text, not 5" in problems[0].message


def test_what_is_too_long_to_be_kept_is_not_taken() -> None:
    big = Corpus((*CORPUS, document("p0.txt", "word " * 250_000)))
    questions, problems = read_golden(zipped(files(**{"corpus.jsonl": [*PARTS["corpus.jsonl"], {"_id": "p0"}]})), big)
    assert [q.id for q in questions] == ["1", "2"]
    assert '"6" with its passages has 1,250' in problems[3].message


def test_trec_qrels_and_several_files_are_read() -> None:
    qrels = {"qrels/test.tsv": "1\t0\td1\t1\n", "qrels/dev.tsv": "query-id\tcorpus-id\tscore\n2\tp7\t1\n"}
    questions, _ = read_golden(zipped(files(**qrels)), CORPUS)
    assert [q.id for q in questions] == ["1", "2"]
