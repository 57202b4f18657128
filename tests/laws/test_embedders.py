"""Laws that every embedder keeps, with the packaged models."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import loopback
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import endpoints
from workbench.embedders import EMBEDDERS, Embedder, Late, Remote, SentenceTransformer, Static, embed
from workbench.store import Store
from workbench.tokens import tokenizer
from workbench.vectors import norms, unit

SERVER = loopback.Server(loopback.serving(Static().encode_document))
MODEL = {"dimensions": 256, "tokenizer": "wordllama-256", "batch_size": 4, "max_tokens": 500, "truncate": True}
DEFINITIONS = {"near": {"url": SERVER.url, "models": {"static": MODEL}}}
endpoints.define(DEFINITIONS)

EXAMPLES = [SentenceTransformer(), Static(), SentenceTransformer(dtype="bfloat16"), Late(), Remote("near/static")]
every = pytest.mark.parametrize("embedder", EXAMPLES, ids=lambda e: f"{e.kind} {getattr(e, 'dtype', '')}".strip())

TEXTS = [
    "The pump stops when the filter is clogged.",
    "Error E-4417: see § 12.3(b).",
    "",
    " \n\t",
    "漢字とかな交じり文。",
    "emoji 👩‍👩‍👧 and e\u0301 combining",
    "line one\r\nline two",
    "a lone surrogate \ud800 here",
    "<s> [CLS] [SEP] </s> <unk>",
    "The pump stops when the filter is clogged.",
    "word " * 900,
]


@pytest.fixture(autouse=True)
def _endpoints() -> Iterator[None]:
    endpoints.define(DEFINITIONS)
    yield
    endpoints.define({})


def tolerance(embedder: Embedder) -> float:
    """How far a vector may move with its neighbours in a batch."""
    return 0.02 if getattr(embedder, "dtype", "") == "bfloat16" else 1e-5


def test_every_kind_is_among_the_examples() -> None:
    assert {type(e) for e in EXAMPLES} == set(EMBEDDERS.values())
    assert all(kind == cls.kind for kind, cls in EMBEDDERS.items())


@every
def test_shape_type_and_declared_norms(embedder: Embedder) -> None:
    for rows in (embedder.encode_document(TEXTS), embedder.encode_query(TEXTS)):
        assert rows.shape == (len(TEXTS), embedder.dimensions)
        assert rows.dtype == np.float32
        assert np.isfinite(rows).all()
        lengths = norms(rows)
        if embedder.normalised:
            np.testing.assert_allclose(lengths[lengths > 0], 1, atol=1e-5)
        else:
            assert np.abs(lengths - 1).max() > 1e-2


@every
def test_no_texts(embedder: Embedder) -> None:
    assert embedder.encode_document([]).shape == (0, embedder.dimensions)
    assert embed(embedder, []).shape == (0, embedder.dimensions)


@every
def test_one_by_one_is_the_same_as_together(embedder: Embedder) -> None:
    together = embedder.encode_document(TEXTS)
    alone = np.concatenate([embedder.encode_document([text]) for text in TEXTS])
    np.testing.assert_allclose(unit(together), unit(alone), atol=tolerance(embedder))


@every
def test_the_order_of_texts_is_the_order_of_rows(embedder: Embedder) -> None:
    forth, back = embedder.encode_document(TEXTS), embedder.encode_document(TEXTS[::-1])
    np.testing.assert_allclose(unit(forth), unit(back[::-1]), atol=tolerance(embedder))


@every
def test_the_same_again(embedder: Embedder) -> None:
    assert (embedder.encode_document(TEXTS) == embedder.encode_document(TEXTS)).all()


@every
def test_different_texts_differ_and_meaning_is_near(embedder: Embedder) -> None:
    question = unit(embedder.encode_query(["Why does the pump stop?"]))
    passages = unit(
        embedder.encode_document(["The pump stops when its filter is clogged.", "Parental leave lasts a year."])
    )
    near, far = (question @ passages.T)[0]
    assert near > far + 0.1


@every
def test_batches_hold_every_text_once(embedder: Embedder) -> None:
    for texts in (TEXTS, [], [""], ["x" * 10_000] * 3):
        indices = [i for batch in embedder.batches(texts) for i in batch.tolist()]
        assert sorted(indices) == list(range(len(texts)))


@every
def test_embedding_through_the_store_is_the_same(embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(None)
    first = embed(embedder, TEXTS, store)
    np.testing.assert_allclose(unit(first), unit(embedder.encode_document(TEXTS)), atol=tolerance(embedder))
    monkeypatch.setattr(type(embedder), "encode_batch", None)  # nothing may be embedded a second time
    assert (embed(embedder, TEXTS[::-1], store)[::-1] == first).all()
    assert store.usage()["vectors"].entries == len(set(TEXTS))


@every
def test_threads_may_share_an_embedder(embedder: Embedder) -> None:
    expected = unit(embedder.encode_document(TEXTS[:6]))
    with ThreadPoolExecutor(4) as threads:
        for rows in threads.map(lambda _: embedder.encode_document(TEXTS[:6]), range(8)):
            np.testing.assert_allclose(unit(rows), expected, atol=tolerance(embedder))


@every
def test_text_beyond_the_limit_is_not_seen_and_text_within_is(embedder: Embedder) -> None:
    limit = embedder.max_tokens
    words = [f"{a}{b}" for a in ("red ", "blue ", "old ") for b in ("dog ", "tree ", "house ", "road ")] * 40
    if limit is None:
        long = "".join(words)
        assert np.abs(embedder.encode_document([long]) - embedder.encode_document([long + "parliament"])).max() > 0
        return
    full = " ".join("".join(words).split()[:limit])
    assert tokenizer(embedder.tokenizer).counts([full]).tolist() == [limit]
    rows = embedder.encode_document([full, full + " parliament", full.rsplit(" ", 1)[0] + " parliament"])
    np.testing.assert_allclose(rows[0], rows[1], atol=tolerance(embedder))
    assert np.abs(rows[0] - rows[2]).max() > 1e-3  # the last word that fits does count


def test_the_prefix_is_put_before_each_text() -> None:
    plain, prefixed = SentenceTransformer(), SentenceTransformer(query_prefix="query: ", passage_prefix="passage: ")
    texts = ["A pump.", "A filter."]
    for found, expected in (
        (prefixed.encode_query(texts), plain.encode_query([f"query: {t}" for t in texts])),
        (prefixed.encode_document(texts), plain.encode_document([f"passage: {t}" for t in texts])),
    ):
        np.testing.assert_allclose(found, expected, atol=1e-5)


@settings(max_examples=50)
@given(st.lists(st.text(max_size=60), max_size=8))
def test_static_takes_any_text(texts: list[str]) -> None:
    rows = Static().encode_document(texts)
    assert np.isfinite(rows).all()
    for text, row in zip(texts, rows, strict=True):
        assert (row == Static().encode_document([text])[0]).all()  # to the last bit, whatever stands beside it
    assert all((row == 0).all() for text, row in zip(texts, rows, strict=True) if not text)
