"""Documents out of a ZIP file: labels, limits, what is passed over and what is refused by name."""

import io
import stat
import zipfile

import pytest

from workbench.errors import DocumentError
from workbench.parsers import unpack


def zipped(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def test_files_come_by_label_in_order_of_their_paths():
    found = unpack(
        "docs.zip",
        zipped(
            ("b/deep/note.md", b"two"),
            ("a/note.md", b"one"),
            ("../../etc/passwd", b"three"),
            ("a/", b""),
            ("__MACOSX/a/._note.md", b"x"),
            ("a/.DS_Store", b"x"),
            ("C:\\x\\y.txt", b"four"),
            ("inner.zip", zipped(("z.txt", b"z"))),
        ),
    )
    assert [name for name, _ in found.files] == [
        "passwd", "y.txt", "a - note.md", "deep - note.md", "inner.zip",
    ]  # fmt: skip
    assert dict(found.files)["a - note.md"] == b"one"
    assert not found.refusals


def test_labels_are_unique_even_of_the_same_path():
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = zipped(("a.txt", b"1"), ("a.txt", b"2"))
    assert unpack("z.zip", data).files == (("a.txt", b"1"), ("a (2).txt", b"2"))


def test_links_golden_sets_and_deep_files_are_refused_by_name():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("golden.jsonl", "{}")
        archive.writestr("a/" * 30 + "deep.txt", "x")
        archive.writestr("ok.txt", "x")
    found = unpack("z.zip", out.getvalue())
    assert [name for name, _ in found.files] == ["ok.txt"]
    reasons = {r.name: r.reason for r in found.refusals}
    assert "link to another file" in reasons["link.txt"]
    assert "golden set" in reasons["golden.jsonl"]
    assert "folders deep" in reasons["deep.txt"]
    assert all(r.reason.startswith(f"{r.name}: ") for r in found.refusals)


def test_a_damaged_member_is_refused_and_the_others_are_read():
    data = bytearray(zipped(("a.txt", b"first " * 50), ("b.txt", b"second " * 50)))
    data[40] ^= 0xFF
    found = unpack("z.zip", bytes(data))
    assert [name for name, _ in found.files] == ["b.txt"]
    assert "damaged" in found.refusals[0].reason


def test_limits_refuse_the_whole_archive():
    with pytest.raises(DocumentError, match=r"^z\.zip: it holds 4 files; the limit is 3"):
        unpack("z.zip", zipped(*((f"{i}.txt", b"x") for i in range(4))), max_members=3)
    with pytest.raises(DocumentError, match=r"^z\.zip: it unpacks to more than 1 MB"):
        unpack("z.zip", zipped(("a.txt", b"x" * 1_500_000)), max_bytes=1_000_000)
    with pytest.raises(DocumentError, match=r"^bomb\.zip: it unpacks to more than 10 MB"):
        unpack("bomb.zip", zipped(("a.txt", b"\0" * 12_000_000)))
    with pytest.raises(DocumentError, match=r"^z\.zip: .*damaged"):
        unpack("z.zip", b"PK\x03\x04 no")
