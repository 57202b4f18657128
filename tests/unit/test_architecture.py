"""What the code base promises about itself: light imports, one home for Streamlit, short files, no assert on input."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(p for p in (ROOT / "workbench").rglob("*.py"))
APP = [p for p in [ROOT / "app.py", *(ROOT / "pages").glob("*.py")] if p.exists()]
ENGINE = [p for p in FILES if "ui" not in p.relative_to(ROOT / "workbench").parts]
HEAVY = (
    "torch", "transformers", "sentence_transformers", "faiss", "bm25s", "unstructured", "spacy", "sklearn", "scipy",
    "pandas", "streamlit", "plotly", "langchain_core", "langchain_text_splitters", "lxml", "pypdf", "pypdfium2",
    "pdfplumber", "pdfminer",
)  # fmt: skip
LONGEST = 600


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> set[str]:
    """The top-level packages that the file imports anywhere, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_workbench_costs_nothing():
    loaded = set(python("import sys, workbench; print(*sys.modules)").split())
    assert loaded.isdisjoint({*HEAVY, "numpy", "yaml"})
    assert {m for m in loaded if m.startswith("workbench")} == {"workbench"}


def test_no_module_of_the_engine_loads_anything_heavy():
    """One process imports them one after the other and tells which heavy package each of them brought."""
    names = [module(p) for p in ENGINE if p.stem != "__main__" and p.parent.name != "integrations"]
    code = f"""
import importlib, sys
seen = set()
for name in {names}:
    importlib.import_module(name)
    new = {{m for m in {HEAVY} if m in sys.modules}} - seen
    seen |= new
    for m in new:
        print(name, "loads", m)
"""
    assert python(code) == ""


def test_every_name_of_the_package_is_there():
    import workbench

    for public in workbench.__all__:
        home = ROOT / "workbench" / workbench._HOMES[public]
        if (home / "__init__.py").exists() or home.with_suffix(".py").exists():
            assert getattr(workbench, public).__name__ == public


def test_only_the_pages_and_the_ui_import_streamlit():
    assert [name(p) for p in ENGINE if imported(p) & {"streamlit", "plotly"}] == []


@pytest.mark.parametrize("path", [*FILES, *APP], ids=name)
def test_files_are_short(path: Path):
    lines = path.read_text("utf-8").count("\n")
    assert lines <= LONGEST, f"{name(path)} has {lines} lines: split it by noun"


@pytest.mark.parametrize("path", [*FILES, *APP], ids=name)
def test_nothing_is_asserted_or_swallowed(path: Path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        asserts = isinstance(node, ast.Assert) and not ast.unparse(node.test).endswith(" is not None")  # for mypy
        assert not asserts, f"{name(path)}:{node.lineno} asserts: raise what went wrong"
        bare = isinstance(node, ast.ExceptHandler) and node.type is None
        assert not bare, f"{name(path)}:{node.lineno} has a bare except"


def test_pages_hold_no_classes():
    """A class defined in a page is a new one on each rerun."""
    for path in APP:
        classes = [n.name for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.ClassDef)]
        assert classes == [], name(path)


def test_everything_imported_is_pinned():
    """Each third-party package that the code imports stands in a requirements file, as == or ~=."""
    from importlib.metadata import packages_distributions

    text = "\n".join((ROOT / name).read_text() for name in ("requirements.txt", "requirements-dev.txt"))
    pins = [line.split("#")[0].strip() for line in text.splitlines() if line.split("#")[0].strip()]
    assert [p for p in pins if "==" not in p and "~=" not in p] == []

    pinned = {p.replace("~=", "==").split("==")[0].split("[")[0].lower().replace("_", "-") for p in pins}
    homes = packages_distributions()
    ours = {"workbench", "tests", "benchmarks", "chromium"}
    for path in [*FILES, *APP, *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]:
        for package in imported(path) - sys.stdlib_module_names - ours:
            frameworks = path.parent.name == "integrations" or path.name == "test_integrations.py"
            if local_module(path, package) or frameworks:  # these are installed where exports run
                continue
            distributions = {d.lower().replace("_", "-") for d in homes.get(package, [package])}
            assert distributions & pinned, f"{name(path)} imports {package}, which no requirements file pins"


def local_module(path: Path, package: str) -> bool:
    """Return whether the name is a module of ours, beside the file or beside the tests."""
    folders = (path.parent, ROOT / "tests")
    return any((folder / package).is_dir() or (folder / f"{package}.py").exists() for folder in folders)
