"""The unpacked copy of the languages' model: made once, with the same answers, and nothing lost where it is damaged."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.parsers import detect

TEXTS = ("The pump must be switched off before the lid is opened.", "Vor dem Öffnen die Pumpe ausschalten.", "水泵", "")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    detect.identifier.cache_clear()
    yield tmp_path / "workbench"
    detect.identifier.cache_clear()


def ranks() -> list[object]:
    detect.identifier.cache_clear()
    return [detect.identifier().rank(text) for text in TEXTS]


def packed() -> list[object]:
    """By the library's own loading."""
    from py3langid import langid

    own = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE)
    own.set_languages([code for code in detect._LANGUAGES if code in own.nb_classes])
    return [own.rank(text) for text in TEXTS]


def test_the_copy_answers_as_the_packed_model(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from py3langid import modelio

    expected = packed()
    assert ranks() == expected
    (copy,) = cache.iterdir()
    monkeypatch.setattr(modelio, "load_model", lambda path: pytest.fail("the copy was not read"))
    assert ranks() == expected
    assert [*cache.iterdir()] == [copy]


def test_a_damaged_copy_is_made_anew(cache: Path) -> None:
    expected = ranks()
    (copy,) = cache.iterdir()
    whole = copy.read_bytes()
    for data in (b"", whole[: len(whole) // 2], whole[:5_000_000] + b"\xff" * 9 + whole[5_000_009:]):
        copy.write_bytes(data)
        assert ranks() == expected
        assert copy.stat().st_size == len(whole)


def test_without_a_place_for_it_there_is_no_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert ranks()[0][0][0] == "en"
    detect.identifier.cache_clear()
