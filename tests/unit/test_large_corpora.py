"""Large corpora: texts are read when they are asked for, another document costs its own alone, vectors are mapped."""

import pickle
import threading
from pathlib import Path

import numpy as np
import pytest

from workbench import pipelines
from workbench.documents import Corpus, Document, Figures, Section
from workbench.embedders import Cancelled, vector_cache
from workbench.errors import DocumentError
from workbench.indexes import Flat, mapped
from workbench.indexes.mapped import matrix
from workbench.pipelines import Pipeline
from workbench.retrievers import BM25, Collection, Dense, bm25, collection, term_cache
from workbench.retrievers.analyser import PLAIN
from workbench.spans import Span
from workbench.specs import digest, fingerprint
from workbench.splitters import ParentChild, Recursive, Sentences, Structure, chunk_cache
from workbench.splitters.chunk_cache import all_chunks, decoded, encoded
from workbench.store import Store
from workbench.workspaces import corpus_cache, manifest, open_workspace

KNOWN = ("source", "id", "name", "media_type", "parser", "language", "warnings")
TEXT = "# Pumps\n\nThe pump hums. Close the valve.\n\n## Seals\n\nA seal lasts a year. 🜂 e\u0301\n\n| 1 | 2 |\n"


def document(text: str = TEXT, name: str = "d.md") -> Document:
    id = digest(f"{name} {text}".encode())
    headings = (Section("heading", 1, Span(id, 0, 7), "Pumps"), Section("heading", 2, Span(id, 43, 51), "Seals"))
    return Document(digest(text.encode()), id, name, text, headings, ((1, Span(id, 0, 40)),), "text/markdown")


def unread(whole: Document, reads: list[str]) -> Document:
    def read() -> Document:
        reads.append(whole.name)
        return whole

    return Document(read=read, figures=whole.figures, **{name: getattr(whole, name) for name in KNOWN})


# --- documents


def test_an_unread_document_is_the_whole_one_as_soon_as_it_is_looked_at():
    reads: list[str] = []
    whole = document()
    lazy = unread(whole, reads)
    assert (lazy.figures, lazy.name, lazy.id, lazy == whole, hash(lazy)) == (
        Figures(len(TEXT), 2, 1),
        "d.md",
        whole.id,
        True,
        hash(whole),
    )
    assert Corpus((lazy,)) == Corpus((whole,))
    assert Corpus((lazy,)).characters == len(TEXT)
    assert reads == []
    assert lazy.text == whole.text
    assert (lazy.sections, lazy.pages, list(lazy.headings)) == (whole.sections, whole.pages, list(whole.headings))
    for offset in (0, 20, 45, len(TEXT) - 1):
        assert lazy.heading_path(offset) == whole.heading_path(offset)
        assert lazy.page_at(offset) == whole.page_at(offset)
    assert lazy[Span(whole.id, 13, 17)] == whole[Span(whole.id, 13, 17)]
    for splitter in (Recursive(chunk_size=20, chunk_overlap=4, unit="characters"), Structure(header="path")):
        assert list(splitter(lazy)) == list(splitter(whole))


def test_another_process_is_given_the_whole_document():
    there = pickle.loads(pickle.dumps(unread(document(), [])))
    for name in (*KNOWN, "figures", "text", "sections", "pages", "headings", "_read"):
        assert getattr(there, name) == getattr(document(), name)


def test_a_document_that_became_another_text_is_refused():
    whole = document()
    lazy = Document(whole.source, whole.id, whole.name, figures=whole.figures, read=lambda: document("another text"))
    with pytest.raises(Exception, match="another text now"):
        _ = lazy.text


# --- workspaces


def parse(name, data, parser):
    return Document(digest(data), fingerprint([digest(data), parser.fingerprint]), name, data.decode(), parser="test")


@pytest.fixture
def many(home, monkeypatch, tmp_path):
    """A workspace of 30 documents, as a process finds it that has just started."""
    empty = tmp_path / "no_samples"
    empty.mkdir()
    (empty / "golden.jsonl").write_text("")
    monkeypatch.setattr(manifest, "SAMPLE_FOLDER", empty)
    here = open_workspace(parse=parse)
    kept, refused = here.add_all([(f"{i}.txt", f"text {i} ".encode() * 50) for i in range(30)])
    assert (len(kept), refused) == (30, [])
    forget()
    return here


def forget():
    corpus_cache._kept.cache_clear()
    corpus_cache.OPENED.clear()
    manifest._manifests.clear()
    pipelines.collected.cache_clear()
    pipelines.split.cache_clear()


def counted(monkeypatch, module, name):
    calls, real = [], getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given: calls.append(given) or real(*given))
    return calls


def test_a_workspace_opens_without_reading_a_text(many, monkeypatch):
    reads = counted(monkeypatch, corpus_cache, "from_json")
    corpus, refusals = many.corpus()
    assert (len(corpus), refusals, corpus.characters) == (30, (), sum(len(f"text {i} ") * 50 for i in range(30)))
    assert [d.name for d in corpus][:2] == ["0.txt", "1.txt"]
    assert reads == []
    assert corpus.documents[3].text.startswith("text 11")
    assert len(reads) == 1
    assert many.corpus()[0] is corpus


def test_a_document_more_is_parsed_alone_and_a_manifest_is_decoded_once(many, monkeypatch):
    before, _ = many.corpus()
    decodes = counted(monkeypatch, manifest, "decoded")
    for _ in range(5):
        assert len(many.sources) == 30
        assert many.settings == {}
    assert len(decodes) <= 1
    looked = counted(monkeypatch, corpus_cache, "_whole")
    many.add("new.txt", b"a new one")
    after, _ = many.corpus()
    assert len(after) == 31
    assert {file.name for _, _, file, _ in looked} == {"new.txt"}
    assert all(after.document(d.id) is d for d in before)


def test_a_cleared_cache_of_documents_is_made_anew(many):
    many.store.clear("document")
    corpus, refusals = many.corpus()
    assert refusals == ()
    assert [d.text[:6] for d in corpus] == ["text 0", "text 1"] + [
        f"text {n}"[:6] for n in sorted(map(str, range(30)))[2:]
    ]


def test_a_document_that_is_parsed_to_another_text_can_be_added_again(many):
    sign = ["."]

    def changing(name, data, parser):
        found = parse(name, data, parser)
        text = found.text + sign[0]
        return Document(found.source, fingerprint([found.source, text]), name, text, parser="test")

    here = open_workspace(parse=changing)
    source = here.add("changing.txt", b"It hums")
    before = next(d for d in here.corpus()[0] if d.source == source.id)
    here.store.clear("document")
    corpus_cache._kept.cache_clear()
    sign[0] = "!"
    for _ in range(2):
        with pytest.raises(DocumentError, match="changing.txt .* remove it and add it again"):
            _ = before.text
    here.remove(source.id)
    assert source.id not in {d.source for d in here.corpus()[0]}  # as every run of a page does
    here.add("changing.txt", b"It hums")
    assert next(d for d in here.corpus()[0] if d.source == source.id).text == "It hums!"


def test_many_files_that_are_added_together_are_refused_one_by_one(many):
    kept, refused = many.add_all([("30.txt", b"thirty"), ("again.txt", b"text 3 " * 50), ("twice.txt", b"thirty")])
    assert [s.name for s in kept] == ["30.txt"]
    assert len(refused) == 2
    assert all("already here" in reason for reason in refused)
    assert len(many.sources) == 31


# --- chunks


@pytest.mark.parametrize(
    "splitter",
    [
        Recursive(chunk_size=20, chunk_overlap=4, unit="characters"),
        Structure(header="path"),
        ParentChild(),
        Sentences(),
    ],
)
def test_chunks_survive_the_store(splitter):
    whole = document()
    chunks = splitter(whole)
    again = decoded(encoded(chunks), whole)
    assert again is not None
    assert list(again) == list(chunks)
    assert (again.parents is None) == (chunks.parents is None)
    if chunks.parents is not None:
        assert again.parents.tolist() == chunks.parents.tolist()


@pytest.mark.parametrize("damage", [b"", b"{}", b"\n", b'{"n": 1, "headers": [], "parents": false}\n\x00\x00', b"\xff"])
def test_damaged_chunks_are_none(damage):
    assert decoded(damage, document()) is None


def test_chunks_beyond_the_text_are_none():
    chunks = Recursive(chunk_size=20, chunk_overlap=4, unit="characters")(document())
    assert decoded(encoded(chunks), document("short")) is None


@pytest.fixture
def large(monkeypatch):
    """Everything counts as large."""
    monkeypatch.setattr(chunk_cache, "MANY_DOCUMENTS", 3)
    monkeypatch.setattr(vector_cache, "LARGE", 10)
    monkeypatch.setattr(pipelines, "LARGE", 10)


def texts(n: int) -> Corpus:
    return Corpus(tuple(document(f"Record {i:03}. " + "The pump hums. " * (i + 3), f"{i:03}.txt") for i in range(n)))


LINE = Pipeline(
    splitter=Recursive(chunk_size=60, chunk_overlap=10, unit="characters"), embedder=pipelines.EMBEDDERS["static"]()
)


def test_a_document_more_is_cut_and_embedded_alone(large, tmp_path, monkeypatch):
    store = Store(tmp_path)
    pipelines.searchable(pipelines.collected(texts(20), LINE.splitter, store), LINE, store)
    forget()
    more = Corpus((*texts(20), document("One more about seals. " * 9, "010b.txt")))
    cut, real = [], type(LINE.splitter).__call__
    monkeypatch.setattr(type(LINE.splitter), "__call__", lambda self, d: cut.append(d.name) or real(self, d))
    embedded, encode = [], type(LINE.embedder).encode_spans
    monkeypatch.setattr(
        type(LINE.embedder), "encode_spans", lambda self, d, *given: embedded.append(d.name) or encode(self, d, *given)
    )
    found = pipelines.searchable(pipelines.collected(more, LINE.splitter, store), LINE, store)
    assert (cut, embedded) == (["010b.txt"], ["010b.txt"])
    assert more.document(Dense()(found, ["seals"], 1)[0][0].span.document).name == "010b.txt"


def test_what_was_cut_before_a_cancellation_is_kept(large, tmp_path):
    store, corpus, cut = Store(tmp_path), texts(20), []

    def split(document, splitter):
        cut.append(document.name)
        return splitter(document)

    with pytest.raises(Cancelled):
        all_chunks(corpus, LINE.splitter, split, store, None, lambda: len(cut) >= 7)
    assert len(all_chunks(corpus, LINE.splitter, split, store)) == 20
    assert len(cut) == 20


def test_texts_of_rows_are_those_of_their_chunks():
    splitter = Structure(chunk_size=60, chunk_overlap=10, unit="characters", header="path")
    corpus = Corpus((*texts(3), document()))
    rows = Collection(corpus, [splitter(d) for d in corpus])
    every = [text for d in corpus for text in splitter(d).texts(d)]
    found = rows.texts()
    assert [*found] == every == [found[i] for i in range(len(found))]
    assert (found[-1], found[2:5], len(found)) == (every[-1], every[2:5], len(every))
    with pytest.raises(IndexError):
        _ = found[len(every)]


# --- mapped vectors


def vectors(n: int = 500, dim: int = 24) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, dim)).astype(np.float32)


def opened(folder: Path, given: np.ndarray, spec: Flat, made: list[int] | None = None, capacity: int = 1 << 30):
    def make() -> np.ndarray:
        if made is not None:
            made.append(1)
        return given

    return matrix(folder, "key", given.shape, make, spec.ready, capacity)


@pytest.mark.parametrize("metric", ["cosine", "dot"])
def test_a_mapped_index_finds_what_one_in_memory_finds(tmp_path, metric):
    spec, given = Flat(metric=metric), vectors()
    rows, longest = opened(tmp_path, given, spec)
    there, here = spec.over(rows, longest), spec(given)
    for k in (1, 7, 500):
        for a, b in zip(there.search(given[:40], k), here.search(given[:40], k), strict=True):
            assert a.tobytes() == b.tobytes()
    assert there.vectors.tobytes() == here.vectors.tobytes()
    assert there.bytes == pytest.approx(here.bytes, abs=1_000)
    some = np.array([3, 9, 77])
    assert there.subset(some).search(given[:3], 2)[1].tolist() == here.subset(some).search(given[:3], 2)[1].tolist()
    assert not rows.flags.writeable


def test_a_sound_file_is_not_made_again_and_a_torn_one_is(tmp_path, caplog):
    spec, given, made = Flat(), vectors(), []
    whole = opened(tmp_path, given, spec, made)[0].tobytes()
    mapped.forget()
    assert opened(tmp_path, given, spec, made)[0].tobytes() == whole
    assert len(made) == 1
    file = tmp_path / mapped.FOLDER / "key.npy"
    sound = file.read_bytes()
    for torn in (
        sound[:-5],
        sound[: len(sound) // 2],
        sound[:20],
        b"",
        sound[:200] + b"\x00\x01" + sound[202:],
        sound + b"x",
    ):
        file.unlink()  # a mapped file is never written into
        file.write_bytes(torn)
        mapped.forget()
        made.clear()
        assert opened(tmp_path, given, spec, made)[0].tobytes() == whole
        assert len(made) == 1
    assert "damaged" in caplog.text


def test_a_file_of_another_shape_is_made_anew(tmp_path):
    opened(tmp_path, vectors(), Flat())
    assert opened(tmp_path, vectors(300), Flat())[0].shape == (300, 24)


def test_files_are_counted_cleared_and_kept_below_their_cap(tmp_path):
    given = vectors()
    for i in range(4):
        matrix(tmp_path, f"key-{i}", given.shape, lambda: given, Flat().ready, 2 * given.nbytes + 1_000)
    count, size = mapped.usage(tmp_path)
    assert count == 2
    assert size <= 2 * given.nbytes + 1_000
    mapped.clear(tmp_path)
    assert mapped.usage(tmp_path) == (0, 0) == mapped.usage(None)


def test_vectors_that_are_mapped_are_not_made_again(large, tmp_path, monkeypatch):
    store, corpus = Store(tmp_path), texts(20)
    first = pipelines.searchable(pipelines.collected(corpus, LINE.splitter, store), LINE, store)
    assert mapped.usage(tmp_path)[0] == 1
    plain = pipelines.indexed(first, pipelines.embedded(first, LINE.embedder), LINE.embedder, LINE.index)
    monkeypatch.setattr(pipelines, "embedded", lambda *given: pytest.fail("nothing is to be embedded"))
    again = pipelines.searchable(pipelines.collected(corpus, LINE.splitter, store), LINE, store)
    ours, theirs = (Dense()(rows, ["how does a pump sound"], 9)[0] for rows in (again, plain))
    assert ours == theirs


def test_other_chunks_are_another_file(large, tmp_path):
    store = Store(tmp_path)
    keys = set()
    for splitter in (LINE.splitter, Recursive(chunk_size=50, chunk_overlap=0, unit="characters")):
        for corpus in (texts(20), texts(21)):
            keys.add(pipelines.collected(corpus, splitter, store).key)
    assert len(keys) == 4


# --- words


def test_words_from_the_store_rank_as_words_do(large, tmp_path, monkeypatch):
    store, splitter = Store(tmp_path), Structure(chunk_size=60, chunk_overlap=10, unit="characters", header="path")
    corpus = Corpus((*texts(12), document()))
    queries = ["seal pump", "record 007", "valve", "nothing of this"]
    plain = BM25()(Collection(corpus, [splitter(d) for d in corpus]), queries, 20)
    assert BM25()(pipelines.collected(corpus, splitter, store), queries, 20) == plain
    assert store.usage()[term_cache.KIND].entries == 13
    forget()
    analyses = counted(monkeypatch, term_cache, "document_terms")
    assert BM25()(pipelines.collected(corpus, splitter, store), queries, 20) == plain
    assert analyses == []
    forget()
    more = Corpus((*corpus, document("One more about seals. " * 9, "010b.txt")))
    found = BM25()(pipelines.collected(more, splitter, store), ["about"], 1)[0][0]
    assert [given[0].name for given in analyses] == ["010b.txt"]
    assert more.document(found.span.document).name == "010b.txt"


def test_words_scored_a_part_of_the_terms_at_a_time_score_as_all_at_once(monkeypatch):
    found = Collection(texts(12), [LINE.splitter(d) for d in texts(12)])
    whole = [found.lexical(query, 50, 1.5, 0.75) for query in ("pump record", "hums 007", "nothing")]
    monkeypatch.setattr(bm25, "_AT_ONCE", 7)
    again = Collection(texts(12), [LINE.splitter(d) for d in texts(12)])
    for query, (rows, scores) in zip(("pump record", "hums 007", "nothing"), whole, strict=True):
        others, theirs = again.lexical(query, 50, 1.5, 0.75)
        assert (others.tolist(), theirs.tobytes()) == (rows.tolist(), scores.tobytes())


def test_a_search_by_words_that_are_indexed_does_not_wait_for_others(monkeypatch):
    found = Collection(texts(12), [LINE.splitter(d) for d in texts(12)])
    there = found.lexical("pump", 5, 1.5, 0.75)
    begun, go_on = threading.Event(), threading.Event()
    real = collection.counted
    monkeypatch.setattr(collection, "counted", lambda *given: begun.set() or (go_on.wait(20) and real(*given)))
    other = threading.Thread(target=found.lexical, args=("pump", 5, 1.2, 0.5))
    other.start()
    assert begun.wait(20)
    quick = threading.Thread(target=lambda: again.append(found.lexical("pump", 5, 1.5, 0.75)))
    again = []
    quick.start()
    quick.join(10)
    go_on.set()
    other.join(20)
    assert [(rows.tolist(), scores.tolist()) for rows, scores in again] == [(there[0].tolist(), there[1].tolist())]
    assert [*found._lexical._entries] == [(1.5, 0.75, PLAIN), (1.2, 0.5, PLAIN)]


@pytest.mark.parametrize("damage", [lambda data: data[:-3], lambda data: b"", lambda data: data[::-1]])
def test_damaged_terms_are_found_anew(damage):
    chunks = LINE.splitter(document())
    found = term_cache.document_terms(document(), chunks.spans, ())
    again = term_cache.decoded(term_cache.encoded(found), len(chunks))
    assert again is not None
    assert (list(again.vocabulary), again.ids.tolist(), again.sizes.tolist()) == (
        list(found.vocabulary), found.ids.tolist(), found.sizes.tolist(),
    )  # fmt: skip
    assert term_cache.decoded(term_cache.encoded(found), len(chunks) + 1) is None
    assert term_cache.decoded(damage(term_cache.encoded(found)), len(chunks)) is None
