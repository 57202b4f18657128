"""A law of every popover, expander, tab and dialog: to look is not to change, and what is shown is what is used.

Every page is opened by a link and run again, and those with controls of the pipeline are come back to; each time all
that opens is opened and closed, in each of the page's views, and another run follows. What opens is found in the page
itself; each place in the code that makes something that opens must have been met.
"""

import ast
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from settings_home import FEW, furnish, kept
from settings_home import SPLITTERS as SPLITTERS_WITH_FIELDS
from steps import (
    ROOT,
    Console,
    choose,
    go,
    nudge,
    open_app,
    open_popover,
    press,
    serving,
    settle,
    splitter,
    until_cut,
)

from workbench.pipelines import REGISTRIES, Pipeline, to_mapping
from workbench.ui.forms import _written, labels

PAGES = ("Bench", "Documents", "Models", "Golden set", "Experiments", "Decision")
SETTINGS = ("More settings", "settings")
"""What opens on the Bench over controls of the splitter and the retriever: all that differs from kind to kind."""
AGAIN = ("Bench", "Models")
"""Pages that are come back to: those that hold controls of the pipeline."""
OPENS = ("stPopover", "stExpander", "stTab", "stDialog")
MAKERS = ("popover", "expander", "tabs", "dialog")
SELDOM = {
    "Passages found again": "after a document was parsed anew",
    "checks: ": "where the checks have something to say",
    "combinations cannot be": "where a sweep is planned that cannot be measured whole",
    "Decisions": "after a decision",
    "Golden sets that were measured on": "after a golden set was changed",
    "Rules of thumb to start from": "without runs",
    "What else would change it": "where another answer would change the advice",
    "All figures": "after kinds of index were compared",
    "Production": "after a configuration was chosen for the report",
    "The pipeline file": "after something was decided, or chosen for the export",
}
"""What opens but is not met here, and when it is: what stands in it changes no pipeline."""

SHOWN = """() => {
  const read = (box) => {
    const kind = box.firstElementChild?.dataset.testid, one = (css) => box.querySelector(css)
    if (kind === "stSlider") return Number(one("input[type=range]").value)
    if (kind === "stNumberInput") return one("input").value
    if (kind === "stTextInput" || kind === "stSelectbox") return one("input").value
    if (kind === "stTextArea") return one("textarea").value
    if (kind === "stCheckbox") return one("input").checked
    if (kind === "stButtonGroup") return [...box.querySelectorAll("[aria-checked=true]")].map((b) => b.innerText).join()
    if (kind === "stMultiSelect") return [...box.querySelectorAll("[data-tag]")].map((t) => t.innerText)
    if (kind === "stRadio") return one("input:checked")?.closest("label").innerText
  }
  const seen = {}
  for (const box of document.querySelectorAll("[data-testid=stElementContainer][class*=st-key-]")) {
    const name = [...box.classList].find((c) => c.startsWith("st-key-")).slice(7)
    const value = read(box)
    if (value !== undefined && box.checkVisibility()) seen[name] = value
  }
  return seen
}"""
WATCH = """() => {
  document.activeElement?.blur()
  window.began = false
  const app = document.querySelector("[data-testid=stApp]")
  new MutationObserver((_, o) => { o.disconnect(); window.began = true }).observe(app, {attributes: true})
}"""
NAMED = {
    "chunk-size": ("splitter", "chunk_size"),
    "chunk-overlap": ("splitter", "chunk_overlap"),
    "chunk-unit": ("splitter", "unit"),
    "model": ("embedder", "model"),
    "retriever-choice": ("retriever", "kind"),
    "embedder-late": ("embedder", "kind"),
}
WORDS = {
    "splitter-kind": labels("splitter"),
    "index-kind": labels("index"),
    "retriever-kind": labels("retriever"),
    "retriever-choice": labels("retriever"),
    "embedder-late": labels("embedder"),
}


def expected(pipeline) -> dict[str, object]:
    """Return what each control of a pipeline must show, by its name."""
    mapping = to_mapping(pipeline)
    parts = {f"{part}-{field}": (part, field) for part in REGISTRIES for field in mapping[part]}
    out: dict[str, object] = {"k": mapping["k"]}
    for name, (part, field) in {**parts, **NAMED}.items():
        value = mapping[part][field]
        out[name] = _written(value) if field in ("separators", "separator") else WORDS.get(name, {}).get(value, value)
    return out


def alike(shown: object, wanted: object) -> bool:
    """Return whether a control shows this value: as a number where it is one, else as text."""
    if isinstance(wanted, bool) or isinstance(shown, bool):
        return shown is wanted
    if isinstance(wanted, int | float):
        return shown != "" and float(str(shown)) == wanted
    return shown == (wanted or "")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def app(home):
    """The address of the app on the small workspace, and the pipelines that a link may name."""
    pipelines = furnish(home)
    with serving(home) as address:
        yield address, pipelines


@pytest.fixture
def page(browser):
    """A fresh page in which nothing goes wrong."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)  # other suites may have the machine
    console = Console(page)
    yield page
    context.close()
    console.check()


def fingerprint(page) -> str:
    return re.search(r"[?&]a=([0-9a-f]+)", page.url)[1]


def act(page) -> None:
    """Another run of the page, which hears the state of every widget: as after any action elsewhere."""
    page.evaluate(WATCH)
    page.keyboard.press("r")
    page.wait_for_function("() => window.began")
    settle(page)


def check(page, wanted: dict[str, object], where: str) -> dict[str, object]:
    """Return what is shown, each control of the pipeline as the pipeline has it."""
    settle(page)
    for patience in range(20):  # a text area is drawn empty, and filled a moment later
        shown = page.evaluate(SHOWN)
        false = {n: (v, wanted[n]) for n, v in shown.items() if n in wanted and not alike(v, wanted[n])}
        if not false:
            return shown
        page.wait_for_timeout(25 * patience)
    raise AssertionError(f"{where}: shown, and used: {false}")


def look(page, wanted: dict[str, object], where: str, met: set[str], only: tuple[str, ...] = ()) -> None:
    """Open and close everything that opens here, or only what has one of these names."""
    check(page, wanted, where)
    for kind in OPENS:
        for i in range(page.get_by_test_id(kind).count()):
            box = page.get_by_test_id(kind).nth(i)
            button = box if kind == "stTab" else box.locator("summary, button").first
            if not button.is_visible() or not button.is_enabled():
                continue
            words = [button.get_by_test_id(id).all_inner_texts() for id in ("stMarkdownContainer", "stIconMaterial")]
            name = [*words[0], *words[1]][0]
            if only and name not in only:
                continue
            met.add(name)
            button.click()
            if kind == "stPopover":
                page.get_by_test_id("stPopoverBody").last.wait_for()
            check(page, wanted, f"{where}, {name or kind}")
            if kind == "stPopover":
                page.keyboard.press("Escape")
                page.get_by_test_id("stPopoverBody").first.wait_for(state="hidden")
            elif kind == "stExpander":
                button.click()


def views(page) -> list[str]:
    """Return the names of the page's views, if it has several."""
    return page.locator("[data-testid=stButtonGroup] [aria-label=View] [role=radio]").all_inner_texts()


def look_at_all(page, wanted: dict[str, object], where: str, met: set[str], only: tuple[str, ...] = ()) -> None:
    """Open and close everything in each view; another run stands before, between and after."""
    before = fingerprint(page)
    act(page)
    for view in views(page) or [""]:
        if view:
            page.locator("[data-testid=stButtonGroup] [aria-label=View]").get_by_role("radio", name=view).click()
            settle(page)
        look(page, wanted, f"{where}, {view}", met, only)
        assert fingerprint(page) == before, f"{where}, before {view}: looking has changed the pipeline"
    act(page)
    assert fingerprint(page) == before, f"{where}: looking has changed the pipeline"
    check(page, wanted, f"{where}, afterwards")


def named_in_the_code() -> list[re.Pattern[str]]:
    """Return what every popover, expander, tab and dialog of the pages may be called, from the code that makes it."""
    found = []
    for path in [*(ROOT / "workbench/ui").rglob("*.py"), *(ROOT / "pages").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MAKERS:
                found += _labels(node)
    return found


def _labels(call: ast.Call) -> list[re.Pattern[str]]:
    label = call.args[0] if call.args else ast.Constant("")
    if isinstance(label, ast.Constant) and not label.value:  # it has an icon only
        icon = next(ast.literal_eval(k.value) for k in call.keywords if k.arg == "icon")
        label = ast.Constant(icon.removeprefix(":material/").rstrip(":"))
    if isinstance(label, ast.IfExp):
        label = label.body
    if isinstance(label, ast.JoinedStr):
        parts = [re.escape(p.value) if isinstance(p, ast.Constant) else ".*" for p in label.values]
        return [re.compile("".join(parts))]
    return [re.compile(re.escape(ast.literal_eval(label)))]


def address_of(name: str, pipeline) -> str:
    path = "" if name == "Bench" else name.replace(" ", "_")
    return f"/{path}?v=1&a={pipeline.fingerprint}&q=travel"


def test_to_look_is_not_to_change(page, app):
    address, pipelines = app
    met: set[str] = set()
    for i, (name, pipeline) in enumerate(zip(PAGES, pipelines.values(), strict=False)):
        open_app(page, address, address_of(name, pipeline))
        look_at_all(page, expected(pipeline), f"{name} by a link", met)
        if name in AGAIN:
            go(page, PAGES[i - 1])
            go(page, name)
            look_at_all(page, expected(pipeline), f"{name} come back to", met)
    unmet = [p.pattern for p in named_in_the_code() if not any(p.fullmatch(name) for name in met)]
    assert not [p for p in unmet if not any(re.sub(r"\\(.)", r"\1", p).strip(".*: ").startswith(s) for s in SELDOM)]


@pytest.mark.parametrize("kind", SPLITTERS_WITH_FIELDS[1:])
def test_every_splitter_and_retriever_survives_a_look(page, app, kind):
    address, pipelines = app
    open_app(page, address, address_of("Bench", pipelines[kind]))
    met: set[str] = set()
    look_at_all(page, expected(pipelines[kind]), pipelines[kind].label, met, SETTINGS)
    assert "More settings" in met


def test_a_step_a_look_and_a_step_are_two_steps(page, app, home):
    address, pipelines = app
    before = to_mapping(pipelines["recursive"])
    open_app(page, address, address_of("Bench", pipelines["recursive"]))
    was = splitter(page)
    nudge(page, "chunk-size", "ArrowRight")
    was = until_cut(page, was)
    open_popover(page, "More settings")
    page.keyboard.press("Escape")
    page.get_by_test_id("stPopoverBody").wait_for(state="hidden")
    nudge(page, "chunk-size", "ArrowRight")
    assert until_cut(page, was) == "recursive 335/44 tokens"
    after = to_mapping(kept(home, fingerprint(page)))
    assert after == {**before, "splitter": {**before["splitter"], "chunk_size": 335}}


def test_what_was_opened_once_follows_what_changes_elsewhere(page, app):
    # The browser keeps the state of a closed popover's widgets, and sends it with everything that is done after.
    address, pipelines = app
    hybrid = pipelines["sentence-window"]
    open_app(page, address, address_of("Bench", hybrid))
    press(page, "pin")
    met: set[str] = set()
    look(page, expected(hybrid), "before", met)
    choose(page, "splitter-kind", "Recursive")
    open_popover(page, "More settings")
    choose(page, "splitter-header", "path")
    page.keyboard.press("Escape")
    settle(page)
    usual = {"splitter-separators": expected(Pipeline())["splitter-separators"], "splitter-header": "path"}
    changed = {**expected(hybrid), "splitter-kind": "Recursive", **usual}
    look(page, changed, "changed", met)
    press(page, "swap")
    look(page, expected(hybrid), "swapped", met)
    act(page)
    assert fingerprint(page) != hybrid.fingerprint  # now A is the changed one
    look(page, expected(hybrid), "swapped, and afterwards", met)
    press(page, "swap")
    look(page, changed, "swapped again", met)
    press(page, "undo-splitter-tokenizer")
    look(page, {**changed, "splitter-tokenizer": "wordllama-256"}, "undone", met)


def test_fast_steps_all_count_and_the_keyboard_stays(page, app):
    address, pipelines = app
    open_app(page, address, address_of("Bench", pipelines["recursive"]))
    thumb = page.locator(".st-key-chunk-size input[type=range]")
    thumb.focus()
    for _ in range(9):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(40)  # as a held key repeats: runs begin and are broken off between the steps
    page.wait_for_function("() => document.querySelector('.status')?.textContent.includes('342/44')")
    settle(page)
    assert splitter(page) == "recursive 342/44 tokens"
    assert thumb.evaluate("thumb => thumb === document.activeElement")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => document.querySelector('.status')?.textContent.includes('341/44')")


def test_what_is_chosen_right_after_opening_is_all_that_changes(page, app, home):
    address, pipelines = app
    hybrid = pipelines["recursive"]
    open_app(page, address, address_of("Bench", hybrid))
    page.get_by_test_id("stPopover").get_by_role("button").filter(has_text="settings").last.click()
    choose(page, "retriever-stemmer", "german")  # no wait before it
    page.wait_for_function("was => !location.search.includes(was)", arg=hybrid.fingerprint)
    settle(page)
    wanted, found = to_mapping(hybrid), to_mapping(kept(home, fingerprint(page)))
    assert found == {**wanted, "retriever": {**wanted["retriever"], "stemmer": "german"}}


def test_a_filter_that_is_closed_stays_on(page, app):
    address, pipelines = app
    open_app(page, address, address_of("Bench", pipelines["semantic"]))
    open_popover(page, "Filter")
    choose(page, "filter-documents", len(FEW) - 1)
    page.keyboard.press("Escape")
    settle(page)
    chosen = page.evaluate(SHOWN)["filter-documents"]
    assert chosen
    page.keyboard.press("Escape")
    go(page, "Models")
    go(page, "Bench")
    act(page)
    open_popover(page, "Filter is on")
    assert page.evaluate(SHOWN)["filter-documents"] == chosen
    page.keyboard.press("Escape")
    act(page)
    page.get_by_role("button", name="Filter is on").wait_for()
