"""A browser, Streamlit apps on free loopback ports, and what a page logged as errors."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import chromium
import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """A headless browser for the whole session; skips where the machine has none."""
    path = os.environ.get("CHROMIUM") or chromium.find()
    if path is None:
        pytest.skip(f"there is no Chromium: {chromium.REMEDY}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=chromium.ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def errors() -> list[str]:
    """What the page of this test logged as an error or threw; `page` fills it."""
    return []


@pytest.fixture
def page(browser, errors: list[str]) -> Iterator:
    """A fresh page, 1,400 by 900, with its own storage."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()


@pytest.fixture(scope="session")
def start_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """A function (script, **environment) -> address that starts a Streamlit app in a WORKBENCH_HOME of its own."""
    running: list[subprocess.Popen] = []

    def start(script: str | Path, **environment: str) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        home = tmp_path_factory.mktemp("home")
        variables = {**os.environ, "PYTHONPATH": str(ROOT), "WORKBENCH_HOME": str(home), **environment}
        command = [
            sys.executable,
            "-m",
            "streamlit",
            "run",
            str(script),
            "--server.address=127.0.0.1",
            f"--server.port={port}",
        ]
        log = home / "streamlit.log"
        with log.open("wb") as out:
            app = subprocess.Popen(
                [
                    *command,
                    "--server.headless=true",
                    "--browser.gatherUsageStats=false",
                    "--server.fileWatcherType=none",
                ],
                cwd=ROOT,
                env=variables,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        running.append(app)
        address = f"http://127.0.0.1:{port}"
        patience = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                    return address
            except OSError:
                if app.poll() is not None or time.monotonic() > patience:
                    pytest.fail(f"{script} did not start:\n{log.read_text(errors='replace')[-2000:]}")
                time.sleep(0.2)

    yield start
    for app in running:
        app.terminate()
    for app in running:
        try:
            app.wait(10)
        except subprocess.TimeoutExpired:
            app.kill()
