"""Laws of late chunking: what its token states give, keep and share with the plain model."""

import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import models, pipelines
from workbench.documents import Chunks, Corpus, Document
from workbench.embedders import (
    Cancelled,
    Late,
    SentenceTransformer,
    agreement,
    can_preview,
    embedder_for,
    preview_vectors,
    token_states,
)
from workbench.embedders.embedder import SpanEncoder
from workbench.embedders.token_states import TokenStates, Windows
from workbench.errors import SpecError
from workbench.parsers import paste
from workbench.spans import ranges
from workbench.splitters import Recursive
from workbench.store import Store
from workbench.vectors import norms, unit

TEXT = (
    "The booster pump supplies the upper floors. It stops when the filter upstream is clogged.\n\n"
    "Employees who adopt a child may take twelve weeks of leave. It is paid in full.\n\n"
) * 8
DOCUMENT = paste(TEXT, "a.txt")


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    token_states._open.clear()


def chunks(document: Document, *spans: tuple[int, int], headers: tuple[str, ...] = ()) -> Chunks:
    return Chunks(document.id, ranges(spans), headers)


@settings(max_examples=40)
@given(n=st.integers(0, 900), room=st.integers(1, 300), quarters=st.integers(1, 4))
def test_each_token_is_taken_from_the_window_in_whose_middle_it_stands_best(n: int, room: int, quarters: int) -> None:
    windows = list(Windows(n, room, max(1, room * quarters // 4)))
    assert [t for _, _, first, last in windows for t in range(first, last)] == list(range(n))
    centres = [(start + start + room - 1) / 2 for start, *_ in windows]
    for i, (start, end, first, last) in enumerate(windows):
        assert start <= first <= last <= end <= max(n, 0)
        assert end - start <= room
        for token in {first, last - 1} if last > first else ():
            assert abs(token - centres[i]) <= min(abs(token - c) for c in centres) + 1


@settings(max_examples=60)
@given(data=st.data(), n=st.integers(0, 200))
def test_sums_are_those_of_each_range(data: st.DataObject, n: int) -> None:
    made = np.random.default_rng(n).normal(size=(n, 5)).astype(np.float16)
    pairs = st.tuples(st.integers(0, n), st.integers(0, n)).map(sorted)
    bounds = ranges(data.draw(st.lists(pairs, max_size=20)))
    found = TokenStates.of(np.arange(n, dtype=np.int32), made).summed(bounds)
    expected = [made[a:b].astype(np.float64).sum(axis=0) for a, b in bounds.tolist()]
    np.testing.assert_allclose(found, np.array(expected).reshape(-1, 5), atol=1e-4)


def test_a_short_document_in_one_chunk_is_about_the_plain_vector() -> None:
    plain = SentenceTransformer()
    for text in ("The pump stops when the filter is clogged. Clean the filter, then press reset twice.", TEXT[:500]):
        document = paste(text, "a.txt")
        found = Late().encode_spans(document, chunks(document, (0, len(document.text))))
        assert (found @ plain.encode_document([text]).T).item() >= 0.98


def test_queries_and_rows_live_in_the_plain_models_space() -> None:
    late, plain = Late(), SentenceTransformer()
    np.testing.assert_array_equal(late.encode_query(["Why does it stop?"]), plain.encode_query(["Why does it stop?"]))
    cut = Recursive(40, 0)(DOCUMENT)
    found = late.encode_spans(DOCUMENT, cut)
    assert found.shape == (len(cut), plain.dimensions)
    np.testing.assert_allclose(norms(found), 1, atol=1e-5)
    assert ((found * plain.encode_document(cut.texts(DOCUMENT))).sum(axis=1) > 0.5).all()
    assert (found == Late().encode_spans(DOCUMENT, cut)).all()


def test_a_chunk_knows_what_stands_around_it() -> None:
    late, plain = Late(), SentenceTransformer()
    query = plain.encode_query(["booster pump"])
    it = TEXT.index("It stops"), TEXT.index("It stops") + len("It stops")
    alone = (plain.encode_document(["It stops"]) @ query.T).item()
    assert (late.encode_spans(DOCUMENT, chunks(DOCUMENT, it)) @ query.T).item() > alone + 0.05


def test_a_header_weighs_by_its_tokens() -> None:
    late = Late()
    span = (0, 43)
    bare, pumps, leave = (
        late.encode_spans(DOCUMENT, chunks(DOCUMENT, span, headers=h)) for h in ((), ("Pumps",), ("Parental leave",))
    )
    assert 0.5 < (bare @ pumps.T).item() < 0.9999
    assert (late.encode_query(["leave for parents"]) @ (leave - pumps).T).item() > 0


def test_the_preview_sees_what_plain_encoding_sees() -> None:
    long = paste("The pump stops. " * 90 + "Parliament votes on the budget. " * 60, "a.txt")
    whole = chunks(long, (0, len(long.text)))
    plain = SentenceTransformer()
    exact = plain.encode_document(whole.texts(long))
    preview = preview_vectors(long, whole, plain)
    assert (exact @ preview.T).item() > (exact @ Late().encode_spans(long, whole).T).item() + 0.1
    truncated = preview_vectors(long, whole, SentenceTransformer(truncate_dim=64))
    np.testing.assert_allclose(truncated, unit(preview[:, :64]), atol=1e-6)


def test_agreement_is_the_share_of_the_nearest_in_common() -> None:
    rows = np.eye(4, dtype=np.float32)
    query = np.array([[4, 3, 2, 1]], np.float32)
    assert agreement(query, rows, rows, 2).tolist() == [1]
    assert agreement(query, rows, rows[[0, 3, 2, 1]], 2).tolist() == [0.5]
    assert agreement(query, rows, rows[::-1], 2).tolist() == [0]


def test_states_are_kept_in_a_file_and_read_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, late, cut = Store(tmp_path), Late(), Recursive(40, 0)(DOCUMENT)
    seen: list[tuple[int, int]] = []
    late.prepare([DOCUMENT], store, lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, seen[-1][1])
    assert seen[-1][0] == seen[-1][1] > 1
    first = late.encode_spans(DOCUMENT, cut, store)
    monkeypatch.setattr(token_states, "compute", None)  # nothing may be computed a second time
    token_states._open.clear()
    seen.clear()
    late.prepare([DOCUMENT], store, lambda done, total: seen.append((done, total)))
    assert seen == [(0, 0)]
    assert (late.encode_spans(DOCUMENT, cut, store) == first).all()
    assert isinstance(token_states.known(late._key(DOCUMENT.text), None).states, np.memmap)


@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "foreign"])
def test_damaged_states_are_told_and_made_again(harm: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store, late, cut = Store(tmp_path), Late(), Recursive(40, 0)(DOCUMENT)
    first = late.encode_spans(DOCUMENT, cut, store)
    token_states._open.clear()
    path = next((tmp_path / "states").iterdir())
    data = bytearray(path.read_bytes())
    data[-100] ^= 64
    path.write_bytes({"flip": bytes(data), "cut": bytes(data[:-7]), "empty": b"", "foreign": b"x" * 5000}[harm])
    with caplog.at_level(logging.WARNING):
        assert (late.encode_spans(DOCUMENT, cut, store) == first).all()
    assert "damaged token states" in caplog.text
    assert token_states.read(path) is not None


def test_the_files_stay_below_their_cap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_states, "capacity", lambda: 3_000)
    starts, made = np.arange(100, dtype=np.int32), np.ones((100, 4), np.float16)
    for i in range(5):
        assert token_states.write(tmp_path / f"{i}.f16", starts, made)
        assert sum(p.stat().st_size for p in tmp_path.iterdir()) <= 3_000
    assert (tmp_path / "4.f16").exists()
    assert not token_states.write(tmp_path / "large.f16", np.arange(900, dtype=np.int32), np.ones((900, 4), np.float16))


def test_it_can_be_stopped(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        Late().prepare([DOCUMENT], Store(tmp_path), None, lambda: True)
    assert not (tmp_path / "states").exists()


def test_a_pipeline_pools_and_finds(tmp_path: Path) -> None:
    corpus, late = Corpus((DOCUMENT, paste("Nothing to see here.", "b.txt"))), Late()
    assert isinstance(late, SpanEncoder)
    rows = pipelines.collection(corpus, Recursive(20, 0))
    vectors = pipelines.embedded(rows, late, Store(tmp_path))
    found = pipelines.indexed(rows, vectors, late, pipelines.Flat()).dense("adopting a child", 1)
    assert "adopt" in rows.text(found[0].item())


def test_only_mean_pooled_transformers_pool_late(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"late\.model \('wordllama-256'\) must be a transformer"):
        Late("wordllama-256")
    assert can_preview(SentenceTransformer())
    assert not can_preview(embedder_for("wordllama-256"))
    with pytest.raises(SpecError, match="truncate_dim"):
        Late(truncate_dim=999)
    assert len({Late().fingerprint, SentenceTransformer().fingerprint, Late(dtype="bfloat16").fingerprint}) == 3
    assert models.find(models.DEFAULT).kind == "sentence-transformer"
