"""The real app on a loopback port with a home of its own, and what a browser sees of it, timed in the page itself."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any
from unittest import mock

from workbench.pipelines import Pipeline, to_yaml
from workbench.workspaces import Workspace, open_workspace

ROOT = Path(__file__).parents[1]
PATIENCE = 120_000
SETTLED = '[data-testid="stApp"][data-test-connection-state="CONNECTED"][data-test-script-state="notRunning"]'

# Looks once a frame. `seen` holds when something was first on screen, on the clock of the machine. `arm(name, event)`
# begins a measurement that starts with the last such event and ends when what `name` stands for is drawn differently.
EYES = """
(() => {
  if (window !== window.top) return;
  const inside = (selector) => {
    for (const host of document.querySelectorAll("[data-testid*=BidiComponent], [data-testid*=BidiComponent] *"))
      if (host.shadowRoot?.querySelector(selector)) return host.shadowRoot;
    return null;
  };
  const all = (scope, selector) => (scope ? [...scope.querySelectorAll(selector)] : []);
  const eyes = (window.eyes = { seen: {}, armed: {} });
  const hits = () => all(inside(".hl"), "[role=gridcell][aria-label]").map((e) => e.getAttribute("aria-label"));
  const signs = {
    reader: () => all(inside(".rd .txt"), ".txt .begins").slice(0, 30).map((e) => e.textContent.length).join(),
    hits: () => all(inside(".hl"), "[role=gridcell]").map((e) => e.getAttribute("aria-label") + e.textContent).join(),
    title: () => document.querySelector("h1.sr-only")?.textContent ?? "",
    score: () => {
      const line = document.querySelector(".score")?.textContent ?? "";
      return /tokens a query/.test(line) && !/stale/.test(line) ? line : "";
    },
  };
  const sights = {
    painted: () => document.querySelector(".status")?.textContent,
    coloured: () => signs.reader(),
    bm25: () => hits().some((label) => label.startsWith("BM25, rank")),
    dense: () => hits().some((label) => label.startsWith("Dense, rank")),
    scored: () => signs.score(),
  };
  eyes.arm = (name, event) => (eyes.armed[name] = { before: signs[name](), event, start: 0, end: 0 });
  const drawn = (act) => setTimeout(() => act(performance.timeOrigin + performance.now()), 0);
  for (const name of ["pointerup", "input", "click"])
    addEventListener(name, () => {
      for (const key in eyes.armed)
        if (eyes.armed[key].event === name) eyes.armed[key].start = performance.timeOrigin + performance.now();
    }, true);
  const look = () => {
    for (const name in sights) if (!(name in eyes.seen) && sights[name]()) {
      eyes.seen[name] = 0;
      drawn((now) => (eyes.seen[name] = now));
    }
    for (const name in eyes.armed) {
      const one = eyes.armed[name];
      if (one.start && !one.end && signs[name]() && signs[name]() !== one.before) {
        one.end = -1;
        drawn((now) => (one.end = now));
      }
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""


@dataclass(frozen=True, slots=True)
class App:
    """A running server: its address, its process, and when it was started."""

    address: str
    process: "subprocess.Popen[bytes]"
    started: float

    @property
    def memory(self) -> int:
        """The resident bytes of the server and its children."""
        import psutil

        server = psutil.Process(self.process.pid)
        return sum(int(p.memory_info().rss) for p in [server, *server.children(recursive=True)])


@contextmanager
def running(prepare: Callable[[Workspace], object] | None = None) -> Iterator[App]:
    """The app in a fresh WORKBENCH_HOME, in which `prepare` may put something before the start."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        if prepare:
            with mock.patch.dict(os.environ, WORKBENCH_HOME=home):
                workspace = open_workspace()
                prepare(workspace)
                workspace.store.close()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address=127.0.0.1"]
        started = time.time()
        process = subprocess.Popen(
            [*command, f"--server.port={port}", "--server.headless=true"],
            cwd=ROOT,
            env={**os.environ, "WORKBENCH_HOME": home},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _answers(port, process)
            yield App(f"http://127.0.0.1:{port}", process, started)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(port: int, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.03)
    raise RuntimeError(f"the app did not start: exit code {process.returncode}")


def keep(pipeline: Pipeline) -> Callable[[Workspace], object]:
    """What makes `/?a=fingerprint` open this pipeline."""
    return lambda workspace: workspace.store.put("pipeline", pipeline.fingerprint, to_yaml(pipeline).encode())


@contextmanager
def opened(browser: Any, address: str) -> Iterator[Any]:
    """A page of 1,400 by 900 with a storage of its own."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.add_init_script(EYES)
    page.goto(address, wait_until="commit")
    yield page
    context.close()


def seen(page: Any, name: str) -> float:
    """When it was first on screen, in seconds of the machine's clock; infinity where it is not in time."""
    if not _holds(page, "name => window.eyes?.seen[name] > 0", name):
        return inf
    return float(page.evaluate("name => window.eyes.seen[name]", name)) / 1000


def settle(page: Any) -> None:
    """Nothing; no script runs any more."""
    page.wait_for_selector(SETTLED, state="attached")
    page.wait_for_timeout(300)
    page.wait_for_selector(SETTLED, state="attached")


def timed(page: Any, names: tuple[str, ...], event: str, act: Callable[[], object]) -> list[float]:
    """For each of the names the seconds from the last such event of the act to the repainted screen."""
    for name in names:
        page.evaluate("([name, event]) => window.eyes.arm(name, event)", [name, event])
    act()
    out = []
    for name in names:
        if not _holds(page, "name => window.eyes.armed[name].end > 0", name):
            out.append(inf)
            continue
        out.append(page.evaluate("name => window.eyes.armed[name].end - window.eyes.armed[name].start", name) / 1000)
    page.evaluate("window.eyes.armed = {}")
    return out


def _holds(page: Any, condition: str, name: str) -> bool:
    from playwright.sync_api import TimeoutError as TooLate

    try:
        page.wait_for_function(condition, arg=name, polling=50)
    except TooLate:
        return False
    return True


def chunk_count(page: Any) -> int:
    """How many chunks the line of facts states for the corpus."""
    found = re.search(r"([\d,]+) chunks", page.locator(".status").first.inner_text())
    return int(found[1].replace(",", "")) if found else 0
