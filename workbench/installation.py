"""How the workbench is installed here: its name, its extras, and the files that come with its code.

In the repository app.py, the pages and the sample documents stand beside the package; a wheel carries them inside it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from workbench.errors import WorkbenchError

DISTRIBUTION = "chunking-workbench"
"""What pip calls the workbench."""

PACKAGE = Path(__file__).parent
BESIDE = ("app.py", "pages", "sample_docs", ".streamlit")
"""Files and folders of the repository that a wheel carries in `workbench/app/`; pyproject.toml maps them there."""


def beside(name: str) -> Path:
    """Return where one of `BESIDE` lies: in the installed package, or in the repository."""
    installed = PACKAGE / "app"
    return (installed if (installed / "app.py").is_file() else PACKAGE.parent) / name


def package_files() -> dict[str, Path]:
    """Return the files of a wheel of this version: path in the wheel → path here, sorted; without its metadata."""
    found = {f"workbench/{path.relative_to(PACKAGE).as_posix()}": path for path in _files(PACKAGE)}
    for name in BESIDE:
        place = beside(name)
        for path in [place] if place.is_file() else _files(place):
            found[f"workbench/app/{path.relative_to(place.parent).as_posix()}"] = path
    return dict(sorted(found.items()))


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            yield path


def install(extra: str = "") -> str:
    """Return the command that installs the workbench with an extra, as messages name it."""
    return f'pip install "{DISTRIBUTION}[{extra}]"' if extra else f"pip install {DISTRIBUTION}"


def is_installed(library: str) -> bool:
    """Return whether a library can be imported; nothing of it is."""
    try:
        return find_spec(library) is not None
    except ValueError:  # shut out of this process
        return False


@contextmanager
def needing(extra: str, what: str, error: type[WorkbenchError] = WorkbenchError) -> Iterator[None]:
    """Import within this what an extra brings; a library that is missing becomes an `error` with the remedy.

    Raises:
        WorkbenchError: or the given child of it; `what` is the subject of its message, such as "a transformer model".
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        library = (missing.name or "a library").partition(".")[0]
        raise error(f"{what} needs {library}, which is not installed; {install(extra)}") from missing
