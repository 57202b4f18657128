"""The Chromium that the browser tests drive."""

import os
import shutil
import subprocess
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
"""Flags with which it calls nobody, and starts in a container too."""
REMEDY = "install one with `sudo apt-get install chromium` or `.venv/bin/playwright install chromium`"


def find() -> str | None:
    """Return the path of a Chromium that starts, or None: $CHROMIUM, one on the PATH, or Playwright's own."""
    found = [os.environ.get("CHROMIUM"), *map(shutil.which, NAMES), MAC]
    return next((path for path in found if path and _starts(path)), None) or _playwrights_own()


def _starts(path: str) -> bool:
    """Return whether this is a browser, and not a stub that says where to get one."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None
