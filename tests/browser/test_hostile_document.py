"""Documents full of scripts, event handlers and javascript: links, on every page of the app: nothing of them runs.

The app is served without the headers of `ui/server.py`: a policy that forbids scripts would hide what got through.
"""

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from steps import Console, ask, cards, go, open_app, open_popover, prepare, settle, upload

ROOT = Path(__file__).resolve().parents[2]
EVIL = (
    "<script>window.ran = (window.ran || 0) + 1</script><img src=x onerror='window.ran = 2'>"
    "<svg onload='window.ran = 3'></svg> [link](javascript:window.ran=4) ![pic](http://example.invalid/leak.png) "
    "<iframe srcdoc='<script>parent.ran = 5</script>'></iframe> <a href='javascript:window.ran=6'>go</a> $x$ :smile: "
    "<details open ontoggle='window.ran = 7'></details> {{7*7}} <style>*{background:url(http://example.invalid/s)}</style>"
)
NAME = "<img src=x onerror=window.ran=8> [a](javascript:window.ran=9) `x` =cmd.md"
TEXT = f'# {EVIL}\n\nThe gantry stands on pier nine. {EVIL}\n\n## =HYPERLINK("http://example.invalid","x")\n\n{EVIL}\n'
TABLE = "a,b\n=1+1,@SUM(A1)\n<script>window.ran=10</script>,gantry\n"
HTML = f"<h1>{EVIL.replace('<', '&lt;')}</h1><p onclick='window.ran=11'>gantry {EVIL}</p>"
LOOK = """() => ({
  ran: window.ran ?? null,
  made: document.querySelectorAll(
    "img[src='x'], iframe[srcdoc], svg[onload], details[ontoggle], a[href^='javascript' i]").length,
  shadow: [...document.querySelectorAll('*')].filter((e) => e.shadowRoot?.querySelector(
    "script, iframe, img[src='x'], [onerror], [onload], a[href^='javascript' i]")).length,
})"""
QUIET = {"ran": None, "made": 0, "shadow": 0}

# A golden set, tags, a kept pipeline and two runs, all of hostile words, for the documents that are there.
FILL = """
import json, sys
from workbench.evaluations import evaluate, run_of
from workbench.explanations import explain
from workbench.golden import added
from workbench.pipelines import Pipeline, to_yaml
from workbench.records import Question, Reference, write_run
from workbench.retrievers import BM25
from workbench.spans import Span
from workbench.splitters import Recursive
from workbench.ui.experiments.evaluation import metrics
from workbench.workspaces import open_workspace
from workbench.workspaces.experiments import experiments_folder
evil, name, text, table, html = json.loads(sys.stdin.read())
here = open_workspace()
for source in here.sources:
    if not source.name.startswith("travel-policy"):
        here.remove(source.id)
source = here.add(name, text.encode())
here.add("<svg onload=window.ran=12>.csv", table.encode())
here.add("page.html", html.encode())
here.keep_settings(tags={source.id: [evil[:90], "=1+1"]})
corpus, _ = here.corpus()
evil_one = next(d for d in corpus if d.source == source.id)
start = evil_one.text.index("The gantry")
questions = ()
for i in range(6):
    span = Span(evil_one.id, start, start + 31 + i)
    text, passage = f"Where is gantry {i}? {evil}", (Reference(span, corpus[span]),)
    asked = Question(f"q{i} <b onmouseover=window.ran=13>", text, passage, tags=(evil[:60], "=2+2"))
    questions = added(questions, asked)
here.keep_golden_set(questions, corpus, "made <img src=x onerror=window.ran=14>")
questions = here.golden_set(corpus)[0]
for size in (200, 400):
    pipeline = Pipeline(splitter=Recursive(chunk_size=size, chunk_overlap=0, unit="characters"), retriever=BM25())
    here.keep_pipeline(f"<img src=x onerror=window.ran=15> {size}", to_yaml(pipeline))
    found = evaluate(corpus, questions, pipeline, metrics([pipeline]))
    run = run_of(found, questions, anatomy=explain(found).to_dict())
    write_run(run, experiments_folder(here, corpus, questions) / "runs" / f"{pipeline.fingerprint}.json")
"""


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    """A WORKBENCH_HOME full of hostile words, and the query string that opens it with the fast model."""
    import json

    home = tmp_path_factory.mktemp("evil")
    query = prepare(home)
    variables = {**os.environ, "WORKBENCH_HOME": str(home), "PYTHONPATH": str(ROOT)}
    variables.pop("WORKBENCH_MODE", None)
    given = json.dumps([EVIL, NAME, TEXT, TABLE, HTML])
    done = subprocess.run(
        [sys.executable, "-c", FILL], input=given, cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return home, query


@pytest.fixture
def visit(page, evil, start_app):
    """The app at the Bench; at the end no dialog was opened, nothing ran, and no other host was asked."""
    home, query = evil
    address = start_app("app.py", WORKBENCH_HOME=str(home))
    page.set_default_timeout(60_000)
    console, dialogs = Console(page), []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    open_app(page, address, f"/{query}")
    yield page
    assert page.evaluate(LOOK) == QUIET
    assert dialogs == []
    console.check()


def quiet(page, where: str) -> None:
    """Nothing ran and no markup of a document stands in the page; every chart and table was pointed at."""
    settle(page)
    for plot in page.locator(".js-plotly-plot, [data-testid=stDataFrame]").all()[:4]:
        boxes = plot.evaluate_all("all => all.map((e) => e.getBoundingClientRect().toJSON())")  # it may be gone by now
        for box in boxes:
            for share in (0.3, 0.5, 0.7):
                page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] * share)
    page.wait_for_timeout(150)
    assert page.evaluate(LOOK) == QUIET, where
    assert "Something went wrong" not in page.inner_text("body"), where


def choices(page, key: str) -> list[str]:
    """What the row of choices with this key offers."""
    return [text.strip() for text in page.locator(f".st-key-{key} button").all_inner_texts() if text.strip()]


def test_nothing_of_a_hostile_document_runs_on_any_page(visit):
    page = visit
    ask(page, "gantry")
    cards(page, "BM25").first.wait_for()
    cards(page, "BM25").first.click()
    quiet(page, "Bench")
    for name, views in (
        ("Documents", "document-view-choice"),
        ("Golden set", "golden-view"),
        ("Experiments", "results-view"),
        ("Models", "models-view"),
        ("Decision", "decision-view"),
    ):
        go(page, name)
        quiet(page, name)
        if name == "Experiments":
            page.locator(".js-plotly-plot").first.wait_for()
            for part in choices(page, "experiments-view"):
                page.locator(".st-key-experiments-view").get_by_role("radio", name=part).or_(
                    page.locator(".st-key-experiments-view button").filter(has_text=part)
                ).first.click()
                quiet(page, f"Experiments, {part}")
            page.locator(".st-key-experiments-view").get_by_text("Sweep", exact=True).first.click()
            page.locator(".st-key-results-view").wait_for()
            settle(page)
        assert choices(page, views), name
        for view in choices(page, views):
            page.locator(f".st-key-{views} button").filter(has_text=view).first.click()
            page.wait_for_timeout(400)
            quiet(page, f"{name}, {view}")


def test_a_hostile_file_is_uploaded_and_refused_by_its_name_as_it_stands(visit):
    page = visit
    page.locator(".rd .blk").first.wait_for()
    settle(page)
    open_popover(page, "Add documents")
    refused = {"name": NAME.replace(".md", ".pdf"), "mimeType": "application/pdf", "buffer": b"%PDF-1.4 broken"}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(f"folder/{NAME}", TEXT.replace("nine", "ten"))
        archive.writestr("<img src=x onerror=window.ran=16>.exe", b"MZ\x90\x00" + bytes(50))
    zipped = {"name": "<b>.zip", "mimeType": "application/zip", "buffer": out.getvalue()}
    upload(page, "upload-popover", [refused, zipped])
    alert = page.get_by_test_id("stAlert").first
    alert.wait_for()
    assert refused["name"] in alert.inner_text()
    assert "<img src=x onerror=window.ran=16>.exe" in alert.inner_text()
    ask(page, "pier ten")
    cards(page, "BM25").first.filter(has_text="ten").wait_for()
    quiet(page, "Bench after uploads")


def test_what_leaves_holds_it_as_data(visit, tmp_path):
    page = visit
    go(page, "Golden set")
    with page.expect_download() as golden:
        page.locator("[class*=st-key-golden-export] button").filter(has_text="Export").first.click()
    assert EVIL[:40] in Path(golden.value.path()).read_text("utf-8").replace("\\u0027", "'")
    go(page, "Documents")
    open_popover(page, re.compile("Workspace"))
    with page.expect_download() as whole:
        page.locator(".st-key-export-workspace button").first.click()
    with zipfile.ZipFile(whole.value.path()) as archive:
        assert all(".." not in name.split("/") for name in archive.namelist())
        assert any(name.endswith("=cmd.md") for name in archive.namelist())
    quiet(page, "Documents after an export")


def test_a_report_of_hostile_documents_runs_nothing(page, evil, tmp_path):
    home, _ = evil
    variables = {**os.environ, "WORKBENCH_HOME": str(home), "PYTHONPATH": str(ROOT)}
    out = tmp_path / "report.html"
    code = f"""
from workbench.workspaces import open_workspace
from pathlib import Path
here = open_workspace(); corpus, _ = here.corpus()
docs = Path({str(tmp_path)!r}) / "docs"; docs.mkdir()
for source in here.sources: (docs / source.name.replace("/", "_")).write_bytes(here.content(source))
Path({str(tmp_path)!r}, "golden.jsonl").write_text(here.golden.export(corpus))
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=variables, capture_output=True, check=True)
    grid, runs = tmp_path / "grid.yaml", str(tmp_path / "runs")
    base = "{splitter: {kind: recursive, chunk_overlap: 0}, embedder: {kind: static}, k: 1}"
    grid.write_text(f"base: {base}\nvary: {{splitter.chunk_size: [12, 60]}}\n")
    files = [str(tmp_path / "docs"), "--golden", str(tmp_path / "golden.jsonl")]
    for command in (["sweep", *files, "--grid", str(grid), "--out", runs], ["report", *files, "--runs", runs]):
        given = command
        if command[0] == "report":  # nothing is settled, and the choice loses answers, which are shown
            found = {file.stem: json.loads(file.read_text()) for file in Path(runs, "runs").glob("*.json")}
            chosen = next(name for name, run in found.items() if run["pipeline"]["splitter"]["chunk_size"] == 12)
            given = [*command, "--out", str(out), "--chosen", chosen]
        made = subprocess.run(
            [sys.executable, "-m", "workbench", *given],
            cwd=ROOT, env=variables, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr[-1500:]
    asked: list[str] = []
    dialogs: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.on("dialog", lambda d: (dialogs.append(d.message), d.dismiss()))
    page.goto(out.as_uri())
    page.wait_for_timeout(500)
    assert "gantry" in page.inner_text("body")
    assert page.evaluate(LOOK) == QUIET
    assert dialogs == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
