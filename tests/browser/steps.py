"""What a person does in the app, as functions of a page: open, choose, ask, upload, and read what is shown."""

import atexit
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from playwright.sync_api import TimeoutError

ROOT = Path(__file__).resolve().parents[2]
SETTLED = '[data-testid="stApp"][data-test-connection-state="CONNECTED"][data-test-script-state="notRunning"]'
QUIET = 0.15  # seconds; a click's run begins a round trip to the server after it
STILL = """async ([settled, quiet]) => {
  const began = performance.now()
  let since = began
  while (performance.now() - since < quiet) {
    await new Promise((next) => setTimeout(next, 10))
    if (performance.now() - began > 60000) throw new Error("scripts run without a pause")
    if (!document.querySelector(settled)) since = performance.now()
  }
}"""
CHUNKS = re.compile(r"([\d,]+) chunks?")


def settle(page) -> None:
    """Returns once Streamlit is connected and no script has run for a moment: what was asked for just now was begun."""
    page.wait_for_selector(SETTLED, state="attached")
    page.evaluate(STILL, [SETTLED, QUIET * 1000])


def open_app(page, address: str, path: str = "") -> None:
    """The page at this path, drawn: its heading stands and, on the Bench, the reader has its text."""
    page.goto(f"{address}{path}")
    page.locator(".status").first.wait_for()
    settle(page)


def go(page, name: str) -> None:
    """Another page by the navigation at the top."""
    top = page.get_by_test_id("stTopNavLink").filter(has_text=name)
    if top.count():
        top.click()
    else:  # in a narrow window the navigation is a drawer, which stays open
        if page.get_by_test_id("stExpandSidebarButton").is_visible():
            page.get_by_test_id("stExpandSidebarButton").click()
        page.get_by_test_id("stSidebarNavLink").filter(has_text=name).click()
        page.get_by_test_id("stSidebar").hover()
        page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
    page.locator("h1.sr-only", has_text=name).wait_for(state="attached")
    settle(page)


def choose(page, key: str, option: str | int) -> str:
    """Choose the option with this whole text, or at this place, in the select box with this key; return its text.

    A list that was opened while the page still ran closes again when the run draws its box again: open it once more.
    """
    every = page.get_by_role("option")
    wanted = every.nth(option) if isinstance(option, int) else page.get_by_role("option", name=option, exact=True)
    for _ in range(4):
        try:
            if not wanted.is_visible():
                page.locator(f".st-key-{key} input").first.click()
            text = wanted.inner_text(timeout=8000)
            wanted.click(timeout=8000)
        except TimeoutError:
            continue
        settle(page)
        return text
    raise AssertionError(f"The list of {key} did not offer {option!r}")


def press(page, key: str, name: str | None = None) -> None:
    """A click on the button with this key, or on the one with this name within it."""
    box = page.locator(f".st-key-{key}")
    (box.get_by_role("button", name=name, exact=True) if name else box.get_by_role("button")).first.click()
    settle(page)


def slide(page, key: str, value: int) -> None:
    """The slider near this value: a click on its track, as near as a pixel comes."""
    box = page.locator(f".st-key-{key}")
    thumb = box.locator("input[type=range]")
    low, high = (int(thumb.get_attribute(end)) for end in ("min", "max"))
    track = box.get_by_role("group").locator("[data-orientation]").first.bounding_box()
    at = min(max(track["width"] * (value - low) / (high - low), 0), track["width"] - 1)
    page.mouse.click(track["x"] + at, track["y"] + track["height"] / 2)
    settle(page)


def nudge(page, key: str, by: str = "ArrowLeft") -> None:
    """The slider one step down, or up, by the keyboard."""
    page.locator(f".st-key-{key} input[type=range]").press(by)
    settle(page)


def ask(page, query: str) -> None:
    """Type a query; nothing else is pressed."""
    page.get_by_role("searchbox", name="Query").or_(page.get_by_label("Query", exact=True)).first.fill(query)


def cards(page, title: str):
    """The hits of one list."""
    return page.get_by_role("gridcell", name=re.compile(rf"^{re.escape(title)}, rank \d+,"))


def splitter(page) -> str:
    """What the line of facts says of the splitter: `recursive 200/20 tokens`."""
    return status(page).split("\n")[1]


def until_cut(page, before: str) -> str:
    """What the line says of the splitter once that is no longer as before."""
    page.wait_for_function(
        "was => { const s = document.querySelectorAll('.status span')[1]; return s && s.textContent !== was }",
        arg=before,
    )
    settle(page)
    return splitter(page)


def chunk_count(page) -> int:
    """The number of chunks that the Bench states for the document shown."""
    found = CHUNKS.search(page.locator(".facts").first.inner_text())
    return int(found[1].replace(",", ""))


def status(page) -> str:
    """The line of facts at the top."""
    return page.locator(".status").first.inner_text()


def upload(page, key: str, files) -> None:
    """Put files (paths, or Playwright's name, mimeType and buffer) into the drop zone whose key begins so."""
    page.locator(f"[class*='st-key-{key}'] input[type=file]").set_input_files(files)


@contextmanager
def serving(home: Path, **environment: str) -> Iterator[str]:
    """The address of the app with this WORKBENCH_HOME; its server ends with the context. No page was asked for yet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "server.address": "127.0.0.1",
        "server.port": port,
        "server.headless": "true",
        "browser.gatherUsageStats": "false",
        "server.fileWatcherType": "none",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    variables = {**os.environ, "WORKBENCH_HOME": str(home), **environment}
    home.mkdir(parents=True, exist_ok=True)
    with (home / "streamlit.log").open("ab") as log:
        command = [sys.executable, "-m", "streamlit", "run", "app.py", *flags]
        server = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, server, home)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


def _wait_for(address: str, server: subprocess.Popen, home: Path) -> None:
    patience = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                return
        except OSError as error:
            if server.poll() is not None or time.monotonic() > patience:
                log = (home / "streamlit.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"the app did not start:\n{log}") from error
            time.sleep(0.1)


def prepare(home: Path) -> str:
    """Return the query string that opens the app with FAST, in this WORKBENCH_HOME with the sample corpus parsed.

    It is parsed once in a process; every home is a copy.
    """
    parsed, query = _parsed()
    shutil.copytree(parsed, home, dirs_exist_ok=True)
    return query


@cache
def _parsed() -> tuple[Path, str]:
    folder = Path(tempfile.mkdtemp(prefix="workbench-sample-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    command = [sys.executable, "-c", _PREPARE]
    variables = {**os.environ, "WORKBENCH_HOME": str(folder), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return folder, f"?v=1&a={done.stdout.strip()}"


_PREPARE = """
from workbench.embedders import Static
from workbench.pipelines import Pipeline, to_yaml
from workbench.splitters import Recursive
from workbench.workspaces import Workspace, open_workspace
import os
os.environ.pop("WORKBENCH_MODE", None)
here = open_workspace()
here.corpus()
fast = Pipeline(splitter=Recursive(tokenizer="wordllama-256"), embedder=Static())
here.store.put_many("pipeline", {fast.fingerprint: to_yaml(fast).encode()})
print(fast.fingerprint)
"""


class Console:
    """What a page logged as errors, threw, or failed to load, without what Streamlit itself does on a deep link.

    There, its client asks for `/<page>/_stcore/…` first, is told 404, and finds the right place.
    """

    OWN_404 = re.compile(r"/(Bench|Documents|Models|Golden_set|Experiments|Decision)/_stcore/(health|host-config)$")

    HERE = re.compile(r"(https?|wss?)://127\.0\.0\.1:|data:|blob:|about:")

    def __init__(self, page):
        self.said: list[str] = []
        self.failed: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda m: self.said.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("response", lambda r: self.failed.append(r.url) if r.status >= 400 else None)
        page.on("request", lambda r: self.asked.append(r.url))

    def check(self) -> None:
        """Nothing was logged, and nothing was asked of another host."""
        expected = [url for url in self.failed if self.OWN_404.search(url)]
        excused = [text for text in self.said if text.startswith("Failed to load resource") and "404" in text]
        wrong = {
            "not found": [url for url in self.failed if url not in expected],
            "logged": [text for text in self.said if text not in excused or len(excused) > len(expected)],
            "asked of others": [url for url in self.asked if not self.HERE.match(url)],
        }
        assert not any(wrong.values()), wrong


def open_popover(page, name) -> None:
    """The popover whose button has this name (a text, or a pattern)."""
    page.get_by_test_id("stPopover").get_by_role("button", name=name).first.click()
    page.get_by_test_id("stPopoverBody").last.wait_for()


def show_document(page, name: str) -> None:
    """The document of this name in the reader of the Bench."""
    choose(page, "bench-document", name)
    page.locator(f".rd .view[aria-label='Text of {name}']").first.wait_for()
    settle(page)


def reader_text(page) -> str:
    """The text that the reader has drawn."""
    return "".join(page.locator(".rd .txt").all_text_contents())


def hits_of(page, title: str) -> list[str]:
    """The hits of one list as they are spoken: rank, score, document, snippet."""
    return cards(page, title).all_inner_texts()


# A range over words of the reader's text, by walking its text nodes and without the reader's own code.
_SELECT = """(words) => {
  const host = [...document.querySelectorAll('*')].find((e) => e.shadowRoot?.querySelector('.rd .txt'));
  const walker = document.createTreeWalker(host.shadowRoot.querySelector('.rd .txt'), NodeFilter.SHOW_TEXT);
  const nodes = [];
  for (let n = walker.nextNode(); n; n = walker.nextNode()) nodes.push(n);
  const from = nodes.map((n) => n.data).join('').indexOf(words), to = from + words.length;
  let at = 0, start, end;
  for (const n of nodes) {
    if (!start && from < at + n.length) start = [n, from - at];
    if (to <= at + n.length) { end = [n, to - at]; break; }
    at += n.length;
  }
  getSelection().setBaseAndExtent(start[0], start[1], end[0], end[1]);
}"""


def select(page, words: str) -> None:
    """The words selected in the first reader of the page, as with the mouse."""
    page.evaluate(_SELECT, words)
