"""Files that would take a process down are refused from another one, by name, with the limit that they hit."""

import contextlib
import gc
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
import zlib
from pathlib import Path

import fuzzing
import pytest

from workbench.documents import Document
from workbench.errors import DocumentError
from workbench.parsers import Limits, Unstructured, isolation, parse, parse_safely, sandbox

GENERATOR = Path(__file__).parents[3] / "shared" / "files" / "hostile" / "make_hostile.py"
WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


@pytest.fixture(autouse=True)
def _no_process_is_left():
    yield
    sandbox.close()


def zipped(members: dict[str, bytes | str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, content in members.items():
            z.writestr(name, content)
    return out.getvalue()


def bomb_pdf() -> bytes:
    """A page that draws a form which draws itself twice: pdfium grows until memory ends."""
    form = b"/X Do /X Do"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /XObject << /X 5 0 R >> >> >>",
        b"<< /Length 5 >>\nstream\n/X Do\nendstream",
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] "
        b"/Resources << /XObject << /X 5 0 R >> >> /Length %d >>\nstream\n" % len(form) + form + b"\nendstream",
    ]
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    xref = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % o for o in offsets)
    return bytes(out + b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % xref)


def refusal(name: str, data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(DocumentError) as error:
        parse_safely(name, data, limits=limits)
    message = str(error.value)
    assert message.startswith(name + ": ")
    return message


def well() -> Document:
    return parse_safely("well.txt", b"All is well here.")


def test_the_same_document_comes_back_as_in_process():
    for name, data in (
        ("a.md", b"# One\n\ntwo \xf0\x9f\x99\x82\n"),
        ("b.csv", b"a,b\n1,2\n"),
        ("c.html", b"<h1>x</h1><p>y"),
    ):
        apart, here = parse_safely(name, data), parse(name, data)
        assert (apart, apart.text, apart.sections, apart.pages) == (here, here.text, here.sections, here.pages)
        assert (apart.warnings, apart.language, apart.name) == (here.warnings, here.language, here.name)


def test_a_file_that_ends_its_process_is_refused_and_the_next_is_read():
    message = refusal("self.pdf", bomb_pdf(), Limits(memory_bytes=700_000_000))
    assert "broke off" in message or "memory" in message
    assert "0.7 GB" in message or "limit" in message
    assert well().text == "All is well here."


SLOW = b"- a *b* `c`\n" * 1_500_000  # many seconds of work for a Markdown parser


def test_what_takes_too_long_ends_at_the_wall_clock():
    assert "longer than 1 s, the limit" in refusal("slow.md", SLOW, Limits(seconds=1))
    assert well()


def test_processor_time_is_bounded():
    assert "processor time, the limit" in refusal("slow.md", SLOW, Limits(seconds=50, cpu_seconds=1))


def test_memory_is_bounded():
    data = b"<p>" + b"word " * 20_000_000
    message = refusal("big.html", data, Limits(memory_bytes=450_000_000))
    assert "memory" in message
    assert "limit" in message


def test_input_and_output_are_bounded():
    assert "more than the limit of 1 MB" in refusal("a.txt", b"x" * 2_000_000, Limits(input_bytes=1_000_000))
    assert "its text is more than 1 MB" in refusal("a.txt", b"word " * 400_000, Limits(output_bytes=1_000_000))
    assert well()


def test_what_a_process_writes_and_how_many_files_it_opens_is_bounded(monkeypatch):
    greedy = "handles = [open('/dev/null') for _ in range(500)]"
    assert "opens more than 64 files at once, the limit" in broken(monkeypatch, greedy)
    large = "import tempfile; tempfile.TemporaryFile().write(b'x' * 3_000_000)"
    assert "writes more than 2 MB, the limit" in broken(monkeypatch, large, Limits(output_bytes=2_000_000))
    assert well()


def test_no_process_reaches_a_network():
    found = isolation()
    assert set(found["limits"]) == set(sandbox.LIMITS)
    if not found["network"]:
        pytest.skip("this system has neither seccomp nor namespaces: doctor says so")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"
        socket.create_connection(("127.0.0.1", port), 2).close()  # from here it can be reached
        said = broken(Patch(), code)
        assert "PermissionError" in said or "unreachable" in said


def test_all_that_a_file_started_ends_with_its_process():
    code = "import subprocess, time; subprocess.Popen(['sleep', '987']); time.sleep(60)"
    before = sleepers()
    assert "longer than 3 s" in broken(Patch(), code, Limits(seconds=3))
    assert sleepers() == before
    broken(Patch(), "import os, subprocess; subprocess.Popen(['sleep', '987']); os.abort()")
    assert sleepers() == before


def sleepers() -> set[str]:
    """Processes that such a file left."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if b"sleep\0987" in entry.read_bytes():
                found.add(entry.parent.name)
    return found


Patch = pytest.MonkeyPatch


def broken(patch: pytest.MonkeyPatch, code: str, limits: Limits | None = None) -> str:
    """What is said of a file where its parser runs `code` in the process: a parser that was taken over."""
    path = Path(tempfile.mkdtemp()) / "workbench_taken_over.py"
    path.write_text(
        "from workbench.parsers import child\n"
        f"def parse(name, data, **_):\n    exec({code!r})\n    return {{}}\n"
        "child.TASKS['parse'] = parse\nchild.main()\n"
    )
    start = subprocess.Popen
    with patch.context() as patched:
        patched.setattr(sandbox.subprocess, "Popen", lambda command, **kw: start([command[0], str(path)], **kw))
        sandbox.close()
        try:
            return refusal("a.txt", b"x", limits)
        finally:
            sandbox.close()
            shutil.rmtree(path.parent)


def test_a_refusal_keeps_the_process_and_a_good_file_uses_it_again():
    well()
    (process,) = sandbox._idle
    assert "empty" in refusal("a.txt", b"")
    well()
    assert sandbox._idle == [process]


def test_threads_do_not_share_a_process():
    found: dict[int, str] = {}

    def work(i: int) -> None:
        found[i] = parse_safely(f"{i}.txt", f"This is the text of thread {i}.".encode()).text

    threads = [threading.Thread(target=work, args=(i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {i: f"This is the text of thread {i}." for i in range(12)}
    assert len(sandbox._idle) <= sandbox._AT_ONCE


def test_a_process_that_died_while_it_waited_is_replaced():
    well()
    (process,) = sandbox._idle
    os.kill(process._child.pid, signal.SIGKILL)
    process._child.wait()
    assert well()


def test_nothing_of_the_environment_but_the_harmless_reaches_the_process(monkeypatch):
    monkeypatch.setenv("SECRET_API_KEY", "s3cret")
    process = sandbox.Process()
    try:
        environment = Path(f"/proc/{process._child.pid}/environ")
        if not environment.exists():
            pytest.skip("this system shows no environment of a process")
        deadline = time.monotonic() + 20
        while not (seen := environment.read_bytes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert b"OPENBLAS_NUM_THREADS" in seen
        assert b"s3cret" not in seen
    finally:
        process.end()


def test_the_process_loads_no_model_and_no_app():
    code = "import sys, workbench.parsers.child, workbench.parsers.registry; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert {"torch", "streamlit", "faiss", "unstructured", "transformers"}.isdisjoint(done.stdout.split())


def test_an_answer_that_does_not_fit_is_refused():
    from workbench.parsers.writer import RawDocument

    good = {
        "text": "abc",
        "sections": [],
        "pages": [],
        "warnings": [],
        "media_type": "text/plain",
        "engine": "x",
        "language": "",
    }
    assert RawDocument.from_plain(good, "n.pdf").text == "abc"
    for bad in (
        {"sections": [["heading", 1, 0, 4, ""]]},
        {"sections": [["evil", 1, 0, 1, ""]]},
        {"pages": [[1, 2, 1]]},
        {"pages": 5},
    ):
        with pytest.raises(DocumentError, match=r"^n\.pdf: "):
            RawDocument.from_plain(good | bad, "n.pdf")


def lying_zip() -> bytes:
    """A Word file whose directory says that 60 MB of XML are 1,000 bytes."""
    data = bytearray(
        zipped({"word/document.xml": f"<w:document {WORD}><w:body>" + "<w:p/>" * 10_000_000 + "</w:body></w:document>"})
    )
    entry = data.rfind(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = (1000).to_bytes(4, "little")
    return bytes(data)


def sheet(xml: str) -> bytes:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    rels = "http://schemas.openxmlformats.org/package/2006/relationships"
    return zipped(
        {
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
            '<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{rels}"><Relationship Id="r1" '
            f'Type="{office}/worksheet" '
            'Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{xml}</sheetData></worksheet>',
        }
    )


def broken_ods() -> bytes:
    """A sheet whose end tag is not closed: calamine alone looks for its end for ever."""
    names = "urn:oasis:names:tc:opendocument:xmlns:"
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": f'<m:manifest xmlns:m="{names}manifest:1.0"/>',
            "content.xml": f'<office:document-content xmlns:office="{names}office:1.0" xmlns:table="{names}table:1.0">'
            '<office:body><office:spreadsheet><table:table table:name="S"></table:tab</office:spreadsheet>',
        }
    )


CELL = '<row r="{1}"><c r="{0}{1}" t="inlineStr"><is><t>{2}</t></is></c></row>'


@pytest.mark.parametrize(
    "name, make, said",
    [
        ("lying.docx", lying_zip, "unpacks to more than|damaged"),
        ("bomb.docx", lambda: zipped({"word/document.xml": b"<a>" + b" " * 250_000_000}), "unpacks to more than"),
        (
            "far.xlsx",
            lambda: sheet(CELL.format("A", 1, "near") + CELL.format("XFD", 1048576, "far")),
            "1,048,576 rows by 16,384 columns",
        ),
        (
            "deep.docx",
            lambda: zipped({"word/document.xml": f"<w:document {WORD}>" + "<w:sdt>" * 50_000}),
            "cannot be read",
        ),
        (
            "laughs.docx",
            lambda: zipped(
                {
                    "word/document.xml": '<!DOCTYPE w [<!ENTITY a "aaaa">]>'
                    + f"<w:document {WORD}><w:body>&a;</w:body></w:document>"
                }
            ),
            "refused",
        ),
        ("xxe.xml", lambda: b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "refused"),
        ("endless.ods", broken_ods, "cannot be read"),
        ("nested.eml", lambda: nested_mail(2_000), "nested too deep"),
        ("garbage.pdf", lambda: b"%PDF-1.7\n" + zlib.compress(b"x" * 1000), "damaged"),
    ],
)
def test_made_up_attacks(name, make, said):
    message = refusal(name, make())
    assert any(s in message for s in said.split("|")), message


def nested_mail(depth: int) -> bytes:
    mail = b"Content-Type: text/plain\r\n\r\ninnermost"
    for i in range(depth):
        mail = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) + mail + b"\r\n--b%d--" % i
    return b"MIME-Version: 1.0\r\n" + mail


def test_a_part_that_nobody_needs_is_never_unpacked():
    body = f"<w:document {WORD}><w:body><w:p><w:r><w:t>Small body</w:t></w:r></w:p></w:body></w:document>"
    data = zipped({"word/document.xml": body, "word/media/image.bmp": b"\0" * 250_000_000})
    assert parse_safely("media.docx", data).text == "Small body"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not GENERATOR.exists():
        pytest.skip("the folder ../shared with the generator of hostile files is not here")
    folder = tmp_path_factory.mktemp("hostile")
    seed = GENERATOR.parents[1] / "password_protected.xlsx"
    arguments = ["--bomb-mb", "250", "--line-mb", "3", "--pages", "3000", "--seed-xlsx", str(seed)]
    subprocess.run([sys.executable, str(GENERATOR), str(folder), *arguments], check=True, capture_output=True)
    return folder


def test_every_hostile_file_is_read_or_refused_as_expected(hostile):
    wrong = []
    well()
    before = fuzzing.memory()
    for entry in json.loads((hostile / "manifest.json").read_text()):
        if entry["file"] == "names.json":
            continue
        document, message = None, ""
        try:
            document = parse_safely(
                entry["upload_as"], (hostile / entry["file"]).read_bytes(), limits=Limits(seconds=entry["limit_s"] * 3)
            )
        except DocumentError as error:
            message = str(error)
        outcome = "accept" if document else "reject"
        if entry["expect"] not in ("either", outcome):
            wrong.append((entry["file"], outcome, message))
        if document:
            document.text.encode()
            wrong += [(entry["file"], "lost", s) for s in entry["contains"] if s not in document.text]
            wrong += [(entry["file"], "leaked", s) for s in entry["absent"] if s in document.text]
        else:
            assert message.startswith(entry["upload_as"] + ": ")
        del document
    gc.collect()
    assert not wrong
    assert not (hostile / "PICKLE_RAN.txt").exists()
    assert fuzzing.memory() <= before + 100_000_000
    assert "Z" not in set(fuzzing.children())


def test_every_hostile_name_is_only_a_label(hostile):
    for entry in json.loads((hostile / "names.json").read_text("utf-8")):
        shown = None
        with contextlib.suppress(DocumentError):  # a name may promise another format than text
            shown = parse_safely(entry["upload_as"], entry["text"].encode()).name
        if shown is not None:
            assert shown.encode()
            assert 0 < len(shown) <= 200
            assert not set(shown) & set("/\\\n\t\0\u202e")


def test_no_parser_loads_a_model_framework():
    code = (
        "import sys; from workbench.parsers import Unstructured, child, parse; child.shut_out(); "
        "print(parse('a.html', b'<p>Some words.</p>', Unstructured()).text, sys.modules['torch'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.split() == ["Some", "words.", "None"]


def test_unstructured_works_apart_and_without_a_network():
    document = parse_safely(
        "a.html", b"<h1>Heading of it</h1><p>This is a sentence that stands under it.</p>", Unstructured()
    )
    assert [s.title for s in document.headings] == ["Heading of it"]
