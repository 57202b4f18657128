"""Text recognition of scanned pages by tesseract, where it is installed: a program, run within the same limits."""

import re
import shutil
import subprocess
from functools import lru_cache

from workbench.errors import DocumentError

REMEDY = "install tesseract (Debian: tesseract-ocr and its languages), or upload a searchable PDF"
SCALE = 300 / 72  # tesseract reads best at about 300 dots per inch
LANGUAGES = re.compile(r"[A-Za-z_]{2,20}(\+[A-Za-z_]{2,20})*")


@lru_cache
def version() -> str:
    """The version of the installed tesseract; "" where there is none."""
    program = shutil.which("tesseract")
    if program is None:
        return ""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    match = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return match[0] if match else ""


def recognise(png: bytes, languages: str, seconds: float = 60) -> str:
    """The text that stands in a picture, line by line.

    Raises:
        DocumentError: tesseract is not installed, knows not these languages, or fails.
    """
    if not version():
        raise DocumentError(f"text recognition was asked for, but tesseract is not installed: {REMEDY}.")
    command = [shutil.which("tesseract") or "tesseract", "stdin", "stdout", "-l", languages]
    try:
        done = subprocess.run(command, input=png, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise DocumentError(f"text recognition of a page took longer than {seconds:g} s, the limit.") from None
    if done.returncode != 0:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[:200]
        raise DocumentError(f"tesseract could not read a page ({said or done.returncode}). Is {languages!r} installed?")
    return done.stdout.decode("utf-8", "replace").replace("\x0c", "").strip()
