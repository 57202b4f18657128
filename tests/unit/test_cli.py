"""Commands: what goes to stdout and stderr, and with which exit status."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import cache, partial
from importlib import import_module
from pathlib import Path

import pytest
from langchain_text_splitters import RecursiveCharacterTextSplitter

from workbench import models
from workbench.cli import COMMANDS, DONE, FAULT, INTERRUPTED, PIPE_CLOSED, WRONG_INPUT, main
from workbench.parsers import parse
from workbench.parsers.sandbox import Limits
from workbench.splitters import SPLITTERS
from workbench.tokens import tokenizer

ROOT = Path(__file__).parents[2]
SPEECH = ROOT / "sample_docs/state-of-the-union-2024.md"
WIKITEXTS = ROOT.parent / "shared/reference/chunking_evaluation/corpora/wikitexts.md"
HANDBOOK = (
    "# Handbook\n\n## Leave\n\nEmployees have thirty days of leave. 😀 Parents have more.\n\n"
    "## Faults\n\nIf the pump stops, read code E-4417 and call 👩‍🔬 the service.\n"
)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Calls a command in this process: (status, stdout, stderr), without the progress that a slow machine shows."""
    monkeypatch.setattr("workbench.cli.output.AT_ONCE", 1e9)

    def call(*arguments: object) -> tuple[int, str, str]:
        status = main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return call


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    path = tmp_path / "handbook.md"
    path.write_text(HANDBOOK, "utf-8")
    return path


def rows(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.split("\n")[:-1]]


def without_progress(err: bytes) -> bytes:
    """What a command wrote to stderr, but for the progress that a slow machine shows."""
    return b"".join(line for line in err.splitlines(True) if not line.startswith(b"reading "))


def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The command as a user starts it."""
    line = [sys.executable, "-m", "workbench", *map(str, arguments)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, env={**os.environ, **environment}, timeout=120)


@cache
def length() -> Callable[[str], int]:
    rules = tokenizer(models.DEFAULT)._rules  # type: ignore[attr-defined]
    return lambda text: len(rules.encode(text, add_special_tokens=False).ids)


# chunk


@pytest.mark.parametrize("path", [SPEECH, WIKITEXTS], ids=lambda p: p.name)
def test_chunk_gives_langchains_chunks_each_equal_to_its_span(path: Path) -> None:
    if not path.exists():
        pytest.skip(f"{path.name}: the folder ../shared is not here")
    flags = "--splitter recursive --chunk-size 256 --chunk-overlap 32 --unit tokens --tokenizer all-MiniLM-L6-v2 --json"
    done = command("chunk", path, *flags.split())
    assert (done.returncode, without_progress(done.stderr)) == (DONE, b"")
    found = rows(done.stdout.decode("utf-8"))
    text = path.read_bytes().decode("utf-8")
    theirs = RecursiveCharacterTextSplitter(chunk_size=256, chunk_overlap=32, length_function=length())
    assert [row["text"] for row in found] == theirs.split_text(text)
    for row in found:
        assert list(row) == ["document", "start", "end", "text", "tokens"]
        assert row["text"] == text[row["start"] : row["end"]]  # type: ignore[misc]
        assert row["tokens"] == length()(str(row["text"]))
        assert row["document"] == path.name


@pytest.mark.parametrize("unit", ["tokens", "characters"])
@pytest.mark.parametrize("kind", SPLITTERS)
def test_every_splitter_gives_exact_spans_and_counts(kind: str, unit: str, run: Run, handbook: Path) -> None:
    status, out, err = run(
        "chunk", handbook, "--splitter", kind, "--unit", unit, "--chunk-size=15", "--chunk-overlap=3"
    )
    assert (status, err) == (DONE, "")
    found = rows(out)
    assert len(found) > 1
    for row in found:
        assert row["text"] == HANDBOOK[row["start"] : row["end"]]  # type: ignore[misc]
        assert row["tokens"] == length()(str(row["text"]))
        assert ("header" in row) == (kind == "structure")
    assert any("😀" in str(row["text"]) for row in found)


def test_chunk_counts_in_the_tokenizer_that_is_named(run: Run, handbook: Path) -> None:
    _, out, _ = run("chunk", handbook, "--tokenizer", "cl100k_base", "--unit", "characters")
    texts = [str(row["text"]) for row in rows(out)]
    assert [row["tokens"] for row in rows(out)] == tokenizer("cl100k_base").counts(texts).tolist()


def test_headers_stand_apart_from_text(run: Run, handbook: Path) -> None:
    _, out, _ = run(
        "chunk", handbook, "--splitter", "sentences", "--header", "path", "--chunk-size=20", "--chunk-overlap=0"
    )
    assert [row["header"] for row in rows(out)][-1] == "Handbook > Faults"


def test_a_file_says_what_flags_then_change(run: Run, handbook: Path, tmp_path: Path) -> None:
    config = tmp_path / "p.yaml"
    config.write_text("splitter: {kind: sentences, chunk_size: 60, chunk_overlap: 0, unit: characters}")
    _, plain, _ = run("chunk", handbook, "--config", config)
    _, same, _ = run(
        "chunk", handbook, *"--splitter sentences --chunk-size 60 --chunk-overlap 0 --unit characters".split()
    )
    assert plain == same
    _, larger, _ = run("chunk", handbook, "--config", config, "--chunk-size", "90")
    assert 60 < max(len(str(row["text"])) for row in rows(larger)) <= 90

    # Another kind keeps what the file changes, and has its own default for the rest.
    _, other, _ = run("chunk", handbook, "--config", config, "--splitter", "structure")
    flags = "--splitter structure --chunk-size 60 --chunk-overlap 0 --unit characters --header path"
    assert other == run("chunk", handbook, *flags.split())[1]


@pytest.mark.parametrize(
    "given", [[r"\n", " "], ['["\\n", " "]'], [r"\x", r"\n", " "]], ids=["values", "json", "unknown escape"]
)
def test_separators_as_shells_pass_them(given: list[str], run: Run, handbook: Path) -> None:
    size = ("--unit", "characters", "--chunk-size", "50", "--chunk-overlap", "0")
    status, out, _ = run("chunk", handbook, *size, "--separators", *given)
    theirs = RecursiveCharacterTextSplitter(chunk_size=50, chunk_overlap=0, separators=["\n", " "])
    assert status == DONE
    assert [row["text"] for row in rows(out)] == theirs.split_text(HANDBOOK)


def test_a_separator_is_a_line_end_where_it_says_so(run: Run, handbook: Path) -> None:
    size = ("--splitter", "separator", "--unit", "characters", "--chunk-size", "1", "--chunk-overlap", "0")
    _, out, _ = run("chunk", handbook, *size, "--separator", r"\n")
    assert [row["text"] for row in rows(out)] == [*HANDBOOK.split("\n\n")[:-1], HANDBOOK.split("\n\n")[-1].strip()]


def test_files_of_one_name_and_files_in_folders(run: Run, tmp_path: Path) -> None:
    for folder, text in (("a", "The first text."), ("b", "The second text."), ("b/c", "The third text.")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "notes.txt").write_text(text)
    status, out, _ = run("chunk", tmp_path / "a" / "notes.txt", "--chunk-size", "50", tmp_path / "b")
    assert status == DONE
    assert sorted((row["document"], row["text"]) for row in rows(out)) == [
        ("notes.txt", "The first text."),
        ("notes.txt", "The second text."),
        ("notes.txt", "The third text."),
    ]


# parse


def test_parse_tells_what_the_parser_made(run: Run, handbook: Path) -> None:
    status, out, _ = run("parse", handbook, "--json")
    assert status == DONE
    (row,) = rows(out)
    assert list(row) == ["document", "media", "parser", "text", "sections", "pages", "warnings"]
    document = parse("handbook.md", handbook.read_bytes())
    assert (row["document"], row["media"], row["text"]) == ("handbook.md", "text/markdown", HANDBOOK)
    assert row["parser"] == document.parser
    headings = [s for s in row["sections"] if s["kind"] == "heading"]  # type: ignore[attr-defined]
    assert [(h["level"], h["title"]) for h in headings] == [(1, "Handbook"), (2, "Leave"), (2, "Faults")]
    assert "Leave" in HANDBOOK[headings[1]["start"] : headings[1]["end"]]
    assert len(row["sections"]) == len(document.sections)  # type: ignore[arg-type]


def test_parse_tells_pages_by_the_parser_that_is_named(run: Run) -> None:
    path = ROOT / "sample_docs/hx-service-manual.pdf"
    _, out, _ = run("parse", path, "--parser", "pypdf", "--parser-mode", "plain")
    (row,) = rows(out)
    assert "pypdf" in str(row["parser"])
    pages = row["pages"]
    assert [page["page"] for page in pages] == list(range(1, len(pages) + 1))  # type: ignore[attr-defined, arg-type]


def test_every_line_is_json_and_one_line_to_every_reader(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "odd.txt"
    text = 'A "quoted" \\ text,\x1b[31m with\u2028breaks\x85and\u2029more\x9b, 漢字 and 👩‍🔬.\r\nEnd.'
    path.write_bytes(text.encode())
    for name in ("parse", "chunk"):
        _, out, _ = run(name, path)
        (line,) = out.splitlines()
        assert json.loads(line)["text"] == text
        assert "\x1b" not in line


# search


def test_search_by_words(run: Run, handbook: Path, tmp_path: Path) -> None:
    flags = ("--retriever", "bm25", "--chunk-size", "20", "--chunk-overlap", "0", "-k", "2")
    status, out, err = run("search", handbook, "--query", "code E-4417", *flags, "--json")
    assert (status, err) == (DONE, "")
    (hit, *others) = rows(out)
    assert list(hit) == ["rank", "score", "document", "start", "end", "page", "heading_path", "text"]
    assert hit["text"] == HANDBOOK[hit["start"] : hit["end"]]  # type: ignore[misc]
    assert "E-4417" in str(hit["text"])
    assert (hit["rank"], hit["document"], hit["page"]) == (1, "handbook.md", None)
    assert hit["heading_path"] == ["Handbook", "Faults"]
    assert len(others) <= 1

    status, shown, err = run("search", handbook, "--query", "code E-4417", *flags)
    assert status == DONE
    assert "1. handbook.md · Handbook › Faults" in shown
    assert "E-4417" in shown
    assert err.count("\n") == 1
    assert "bm25" in err


def test_search_by_a_static_model_embeds_once(run: Run, handbook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.embedders import Static

    line = ("search", handbook, "--query", "holidays for mothers and fathers", "--embedder", "static", "--json",
            "--chunk-size", "12", "--chunk-overlap", "0")  # fmt: skip
    status, out, err = run(*line)
    assert (status, err) == (DONE, "")
    hits = rows(out)
    assert [hit["rank"] for hit in hits] == [1, 2, 3, 4, 5]
    scores = [float(str(hit["score"])) for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert "Parents" in str(hits[0]["text"]) or "leave" in str(hits[0]["text"])

    batches = Static.encode_batch

    def queries_only(self: Static, texts: list[str], query: bool) -> object:
        assert query, "a passage was embedded a second time"
        return batches(self, texts, query)

    monkeypatch.setattr(Static, "encode_batch", queries_only)
    assert run(*line)[1] == out


def test_search_the_sample_corpus_with_a_pipeline_file(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "p.yaml"
    config.write_text("embedder: {kind: static}\nretriever: {kind: hybrid}\nk: 3\n")
    line = ("search", ROOT / "sample_docs", "--config", config, "--query", "error E-4417", "--json")
    status, out, _ = run(*line)
    assert status == DONE
    assert len(rows(out)) == 3
    assert any("E-4417" in str(hit["text"]) for hit in rows(out))
    assert run(*line)[1] == out  # from the store
    assert len(rows(run(*line, "-k", "1")[1])) == 1
    pages = rows(run(*line, "--retriever", "bm25", "-k", "20")[1])
    manual = [hit for hit in pages if hit["document"] == "hx-service-manual.pdf"]
    assert manual
    assert all(isinstance(hit["page"], int) for hit in manual)


def test_no_hit_is_no_error(run: Run, handbook: Path) -> None:
    status, out, err = run("search", handbook, "--query", "xyzzy", "--retriever", "bm25")
    assert (status, out) == (DONE, "")
    assert "no hit among" in err


def test_text_for_people_cannot_command_their_terminal(run: Run, tmp_path: Path) -> None:
    (tmp_path / "evil.txt").write_text("A pump \x1b]0;owned\x07 and \x9b31m a \u202etrap, 👩‍🔬 says.")
    _, out, _ = run("search", tmp_path / "evil.txt", "--query", "pump", "--retriever", "bm25")
    assert not set(out) & set("\x1b\x07\x9b\u202e")
    assert "👩‍🔬 says." in out


# models


def test_models_as_lines_and_as_a_table(run: Run) -> None:
    status, out, err = run("models", "--json")
    assert (status, err) == (DONE, "")
    found = {row["name"]: row for row in rows(out)}
    assert list(found) == list(models.PACKAGED)
    default = found[models.DEFAULT]
    assert (default["dimensions"], default["max_tokens"], default["available"]) == (384, 254, True)
    status, table, _ = run("models")
    lines = table.splitlines()
    assert lines[0].split()[:4] == ["name", "kind", "dimensions", "max"]
    assert len(lines) == 1 + len(found)
    assert "no limit" in table


def test_a_packaged_model_that_is_not_installed_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    find = models.find

    def without(name: str) -> models.Model:
        if name == "wordllama-256":
            raise models.ModelUnavailable("model wordllama-256 is not installed; pip install wordllama")
        return find(name)

    monkeypatch.setattr(models, "find", without)
    status, out, err = run("models", "--json")
    assert status == DONE
    assert [row["available"] for row in rows(out)] == [True, False]
    assert "pip install wordllama" in err
    assert run("models")[1].splitlines()[2].split()[:5] == ["wordllama-256", "–", "–", "–", "no"]


# What goes wrong

GOOD = "{file}"
WRONG: list[tuple[Sequence[str], str]] = [
    ([], "no command is named; there are parse, chunk, search, evaluate, "),
    (["chnk"], "did you mean chunk?"),
    (["--json"], "there is no command '--json'"),
    (["chunk"], "required: FILE"),
    (["chunk", "--separators", " ", GOOD], "put them before --separators"),
    (["chunk", GOOD, "--chunk-size", "many"], "--chunk-size ('many') must be a whole number"),
    (["chunk", GOOD, "--chunk-size", "2.5"], "--chunk-size ('2.5') must be a whole number"),
    (["chunk", GOOD, "--chunk-size", "0"], "chunk_size (0) must be at least 1"),
    (["chunk", GOOD, "--chunk-size", "-5"], "chunk_size (-5) must be at least 1"),
    (["chunk", GOOD, "--chunk-size", "10", "--chunk-overlap", "10"], "must be smaller than chunk_size (10)"),
    (["chunk", GOOD, "--chunk-size"], "--chunk-size: expected one argument"),
    (["chunk", GOOD, "--unit", "words"], "unit ('words') must be one of tokens, characters"),
    (["chunk", GOOD, "--tokenizer", "nope"], "model 'nope' is not packaged"),
    (["chunk", GOOD, "--chunksize", "9"], "did you mean --chunk-size? The splitter recursive has --chunk-size,"),
    (["chunk", GOOD, "--splitter", "fixed", "--nope=1"], "The splitter fixed has --chunk-size, --chunk-overlap"),
    (["chunk", GOOD, "--splitter", "fixed", "--separators", " "], "--separators is no setting of the splitter fixed"),
    (["chunk", GOOD, "--splitter", "fancy"], "--splitter ('fancy') must be one of recursive, fixed"),
    (["chunk", GOOD, "--separators", "[1, 2]"], "must be a list of str"),
    (["chunk", GOOD, "--separator", ""], "--separator is no setting of the splitter recursive"),
    (["chunk", GOOD, "--splitter", "separator", "--separator", ""], "must not be empty"),
    (["chunk", GOOD, "--parser", "word"], "--parser ('word') must be one of auto, pypdf"),
    (["chunk", GOOD, "--parser-encoding", "utf-99"], "encoding ('utf-99') is not known"),
    (["chunk", GOOD, "--parser-mode", "plain"], "--parser-mode is no setting of the parser auto"),
    (["chunk", GOOD, "--config", "{folder}/none.yaml"], "none.yaml: the pipeline file cannot be opened"),
    (["chunk", GOOD, "--config", "{folder}"], "the pipeline file cannot be opened"),
    (["chunk", "{folder}/none.txt"], "none.txt: there is no such file or folder"),
    (["chunk", "{folder}/" + "n" * 300], "it cannot be opened"),
    (["chunk", "{folder}/empty"], "there is no file in this folder"),
    (["parse", "{folder}/none.txt"], "none.txt: there is no such file or folder"),
    (["search", "{folder}/none.txt", "--query", "x"], "none.txt: there is no such file or folder"),
    (["search", GOOD], "required: --query"),
    (["search", GOOD, "--query", " \n "], "--query is empty"),
    (["search", GOOD, "--query", "x", "-k", "0"], "k (0) must be a whole number from 1 to 1000"),
    (["search", GOOD, "--query", "x", "-k", "1001"], "k (1001) must be a whole number from 1 to 1000"),
    (["search", GOOD, "--query", "x", "-k", "-1"], "k (-1) must be a whole number from 1 to 1000"),
    (["search", GOOD, "--query", "x", "-k", "five"], "-k ('five') must be a whole number from 1 to 1000"),
    (
        ["search", GOOD, "--query", "x", "--retriever", "best"],
        "--retriever ('best') must be one of dense, bm25, hybrid",
    ),
    (["search", GOOD, "--query", "x", "--retriever", "bm25", "--retriever-k1", "nan"], "k1 (nan) must be at least 0"),
    (["search", GOOD, "--query", "x", "--embedder-model", "wordllama-256"], "is a static model; choose that kind"),
    (["search", GOOD, "--query", "x", "--embedder-model", "nope"], "model 'nope' is not packaged"),
    (["models", "nope"], "model 'nope' is not packaged"),
    (["models", "--bad"], "models has no flag --bad."),
]


@pytest.mark.parametrize("arguments, message", WRONG, ids=lambda a: " ".join(a)[:60] if isinstance(a, list) else "")
def test_wrong_input_is_one_clear_line(
    arguments: list[str], message: str, run: Run, handbook: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    status, out, err = run(*(a.replace("{file}", str(handbook)).replace("{folder}", str(tmp_path)) for a in arguments))
    assert status == WRONG_INPUT
    assert err.startswith("error: ")
    assert message in err
    assert "Traceback" not in err
    lines = 2 if arguments[:1] == ["search"] and "none.txt" in arguments[1] else 1  # and nothing is left to search
    assert err.count("\n") == lines
    assert not out or arguments[0] == "models"


@pytest.mark.parametrize(
    "content, message",
    [
        (b"splitter: {kind: recursive", "not valid YAML at line"),
        (b"- a\n- b\n", "a pipeline file holds a mapping"),
        (b"spliter: {}", "a pipeline has no key 'spliter'"),
        (b"splitter: {kind: [a]}", "splitter kind ['a'] is not known"),
        (b"splitter: {kind: recursive, size: 3}", "splitter recursive has no field 'size'"),
        (b"splitter: {kind: recursive, chunk_size: big}", "recursive.chunk_size must be a whole number"),
        (b"embedder: {kind: sentence-transformer, model: nope}", "model 'nope' is not packaged"),
        (b"k: 0", "k (0) must be a whole number from 1 to"),
        (b"workbench: 99", "this version reads 1"),
        (b"\xff\xfe\x00", "it is not UTF-8 text"),
        (b"[" * 5000, "not"),
        (b"", "a pipeline file holds a mapping"),
    ],
)
def test_a_wrong_pipeline_file_is_named(content: bytes, message: str, run: Run, handbook: Path, tmp_path: Path) -> None:
    config = tmp_path / "p.yaml"
    config.write_bytes(content)
    status, out, err = run("chunk", handbook, "--config", config)
    assert (status, out) == (WRONG_INPUT, "")
    assert err.startswith(f"error: {config}: ")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "line", [["parse"], ["chunk"], ["search", "--query", "leave", "--retriever", "bm25", "--json"]]
)
def test_files_that_cannot_be_read_are_refused_and_the_others_go_on(
    line: list[str], run: Run, handbook: Path, tmp_path: Path
) -> None:
    broken, empty = tmp_path / "broken.pdf", tmp_path / "empty.txt"
    broken.write_bytes(b"%PDF-1.7\nnothing of a PDF follows")
    empty.write_bytes(b"")
    status, out, err = run(*line, broken, handbook, empty, tmp_path / "missing.txt")
    assert status == WRONG_INPUT
    assert {row["document"] for row in rows(out)} == {"handbook.md"}
    first, second, third = err.splitlines()
    assert first.startswith("error: broken.pdf: ")
    assert second.startswith("error: empty.txt: ")
    assert "missing.txt: there is no such file" in third


def test_a_file_above_the_limit_is_not_even_read(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(Limits().input_bytes + 1)  # takes no room on disk
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("it was read into memory"))
    status, out, err = run("parse", path)
    assert (status, out) == (WRONG_INPUT, "")
    assert "huge.txt: 200 MB is more than the limit" in err


def test_a_fault_of_ours_is_one_line_and_another_status(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(arguments: list[str]) -> int:
        raise ZeroDivisionError("in the\nmiddle")

    monkeypatch.setattr(import_module("workbench.cli.inspect"), "run_models", broken)
    status, out, err = run("models")
    assert (status, out) == (FAULT, "")
    assert err == "unexpected error: ZeroDivisionError: in the middle. WORKBENCH_DEBUG=1 shows where it happened\n"
    monkeypatch.setenv("WORKBENCH_DEBUG", "1")
    assert "Traceback" in run("models")[2]


def test_an_interruption_is_quiet(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module("workbench.cli.inspect"), "run_models", interrupted)
    assert run("models") == (INTERRUPTED, "", "")


def test_an_interruption_in_the_midst_of_work_is_quiet() -> None:
    line = [sys.executable, "-m", "workbench", "chunk", str(SPEECH), "--chunk-size=30", "--unit=characters"]
    listen = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a job in the background ignores it
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(line, cwd=ROOT, preexec_fn=listen, **pipes) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()  # more than a pipe holds is to follow, so it is still at work
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert without_progress(process.stderr.read()) == b""
        assert process.wait(60) == INTERRUPTED


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="pipes break in another way on this system")
def test_a_reader_that_has_enough_is_no_error() -> None:
    line = [sys.executable, "-m", "workbench", "chunk", str(SPEECH), "--chunk-size=30", "--unit=characters"]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["start"] == 0
        process.stdout.close()
        assert without_progress(process.stderr.read()) == b""
        assert process.wait(60) == PIPE_CLOSED


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        line = [sys.executable, "-m", "workbench", "models"]
        done = subprocess.run(line, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == FAULT
    assert done.stderr.startswith("unexpected error: OSError: [Errno 28] No space left on device")
    assert done.stderr.count("\n") == 1


# What starting a command costs, and what it writes in


def loaded(*arguments: object) -> set[str]:
    code = "import sys; from workbench.cli import main; s = main(sys.argv[1:]); print(s, *sys.modules, file=sys.stderr)"
    line = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=120)
    status, *names = done.stderr.splitlines()[-1].split()
    assert status == "0", done.stderr
    return {name.split(".")[0] for name in names}


def test_help_loads_nothing() -> None:
    assert loaded("--help").isdisjoint({"numpy", "yaml", "argparse"})


@pytest.mark.parametrize(
    "arguments",
    [
        ["chunk", SPEECH, "--unit", "characters"],
        ["search", SPEECH, "--query", "jobs", "--retriever", "bm25"],
        ["search", SPEECH, "--query", "jobs", "--embedder", "static"],
    ],
    ids=["chunk", "bm25", "static"],
)
def test_no_torch_where_none_is_needed(arguments: list[object], home: Path) -> None:
    heavy = {"torch", "transformers", "sentence_transformers", "streamlit", "unstructured"}
    assert loaded(*arguments).isdisjoint(heavy)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert f"python -m workbench {name}" in out
    assert "--json" in out
    if name in ("chunk", "search"):
        for cls in SPLITTERS.values():
            for field in fields(cls):
                assert f"--{field.name.replace('_', '-')} " in out


def test_stdout_is_utf8_whatever_the_locale(handbook: Path) -> None:
    done = command("chunk", handbook, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii")
    assert done.returncode == DONE, done.stderr
    assert "".join(str(row["text"]) for row in rows(done.stdout.decode("utf-8"))) == HANDBOOK.strip()
