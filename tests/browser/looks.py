"""Pictures of every page as people meet them: `python tests/browser/looks.py OUTDIR` (docs/screenshots for the README).

First visit, a query, two configurations, no documents, refused files, dark, narrow. No test: somebody has to look.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import chromium
from playwright.sync_api import Browser, sync_playwright
from steps import ask, cards, choose, go, open_app, open_popover, prepare, serving, settle, show_document, slide, upload

QUERY = "error E-4417"
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 700, "height": 900}


def take(page, folder: Path, name: str) -> None:
    """A compressed picture of what stands on the page."""
    from PIL import Image

    settle(page)
    page.mouse.move(2, 2)
    page.wait_for_timeout(300)  # the reader's flash and Streamlit's fading have ended
    path = folder / f"{name}.png"
    page.screenshot(path=path)
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(colors=192, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
    print(f"{path}  {path.stat().st_size / 1000:.0f} KB")


def visit(browser: Browser, address: str, folder: Path, suffix: str, viewport: dict[str, int], scheme: str) -> None:
    """The three pages with a query and its hits, in this window and theme."""
    page = browser.new_context(viewport=viewport, color_scheme=scheme).new_page()
    open_app(page, address)
    page.locator(".rd .blk").first.wait_for()
    if not suffix:
        take(page, folder, "first-visit")
    show_document(page, "hx-service-manual.pdf")
    ask(page, QUERY)
    cards(page, "Hybrid").first.wait_for(timeout=600_000)
    settle(page)
    cards(page, "Hybrid").first.click()
    page.locator(".hl .detail .text").wait_for()
    take(page, folder, f"bench{suffix}")
    go(page, "Documents")
    page.locator(".rd .view").wait_for()
    take(page, folder, f"documents{suffix}")
    if not suffix:
        go(page, "Bench")
        page.locator(".st-key-pin button").first.click()
        page.locator(".st-key-unpin").first.wait_for()
        settle(page)
        slide(page, "chunk-size", 120)
        cards(page, "B, current").first.wait_for(timeout=600_000)
        take(page, folder, "compare")
    page.context.close()


def models(browser: Browser, address: str, folder: Path, suffix: str, viewport: dict[str, int], scheme: str) -> None:
    """Two lengths of the fast model side by side, the indexes, and the map with a query."""
    page = browser.new_context(viewport=viewport, color_scheme=scheme).new_page()
    open_app(page, address)
    choose(page, "models-compared", "wordllama-256, 64 dimensions")
    page.keyboard.press("Escape")
    page.get_by_text("Do they agree?").wait_for(timeout=600_000)
    page.wait_for_timeout(3_000)  # the last figures come in
    page.locator(".st-key-models-view").scroll_into_view_if_needed()
    take(page, folder, f"models{suffix}")
    page.locator(".st-key-models-view").get_by_text("Index", exact=True).click()
    page.locator(".st-key-tradeoff .js-plotly-plot").wait_for(timeout=600_000)
    take(page, folder, f"models-index{suffix}")
    page.locator(".st-key-models-view").get_by_text("Map", exact=True).click()
    page.locator("[class*=st-key-map-PCA] .js-plotly-plot").last.wait_for(timeout=600_000)
    ask(page, QUERY)
    page.locator(".rd .view").wait_for(timeout=600_000)
    page.wait_for_timeout(3_000)
    take(page, folder, f"models-map{suffix}")
    page.context.close()


def measuring(browser: Browser, address: str, query: str, folder: Path, suffix: str, scheme: str) -> None:
    """The golden set, where answers are lost, a sweep with its verdict, and the decision."""
    page = browser.new_context(viewport=WIDE, color_scheme=scheme).new_page()
    open_app(page, address, f"/Golden_set{query}")
    page.locator(".rd .blk").first.wait_for()
    take(page, folder, f"golden-set{suffix}")
    open_app(page, address, f"/Experiments{query}")
    page.locator(".js-plotly-plot").first.wait_for(timeout=600_000)
    page.locator(".rd .blk").first.wait_for()
    page.wait_for_timeout(3_000)  # the figure comes in
    take(page, folder, f"experiments{suffix}")
    page.get_by_text("Sweep", exact=True).first.click()
    settle(page)
    start = page.locator(".st-key-sweep-start button")
    if start.is_enabled():
        start.click()
    page.get_by_text("are measured").wait_for(timeout=600_000)
    page.wait_for_timeout(3_000)
    take(page, folder, f"experiments-sweep{suffix}")
    go(page, "Decision")
    page.wait_for_timeout(3_000)
    take(page, folder, f"decision{suffix}")
    page.context.close()


def troubles(browser: Browser, address: str, folder: Path) -> None:
    """Refused files, then the pages without any document. In team mode, so that it is a workspace of its own."""
    page = browser.new_context(viewport=WIDE).new_page()
    open_app(page, address)
    open_popover(page, "Add documents")
    broken = [("report.pdf", b"%PDF-1.4 broken"), ("empty.txt", b""), ("program.exe", b"MZ\x90\x00" + bytes(99))]
    files = [{"name": name, "mimeType": "application/octet-stream", "buffer": data} for name, data in broken]
    upload(page, "upload-popover", files)
    page.get_by_test_id("stAlert").first.wait_for()
    take(page, folder, "refused")
    page.locator(".st-key-dismiss-messages button").click()
    settle(page)
    go(page, "Documents")
    while page.locator(".st-key-remove").count():
        page.locator(".st-key-remove button").click()
        page.wait_for_timeout(300)
        settle(page)
    take(page, folder, "documents-empty")
    for name in ("Bench", "Models"):
        go(page, name)
        take(page, folder, f"{name.lower()}-empty")
    page.context.close()


def main(folder: Path) -> None:
    """Write all pictures into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.ARGUMENTS)
        query = prepare(Path(home))
        with serving(Path(home)) as address:
            visit(browser, address, folder, "", WIDE, "light")
            visit(browser, f"{address}/{query}", folder, "-dark", WIDE, "dark")
            visit(browser, f"{address}/{query}", folder, "-narrow", NARROW, "light")
            models(browser, f"{address}/Models{query}", folder, "", WIDE, "light")
            models(browser, f"{address}/Models{query}", folder, "-dark", WIDE, "dark")
            models(browser, f"{address}/Models{query}", folder, "-narrow", NARROW, "light")
            for suffix, scheme in (("", "light"), ("-dark", "dark")):
                measuring(browser, address, query, folder, suffix, scheme)
        with serving(Path(home), WORKBENCH_MODE="team") as address:
            troubles(browser, f"{address}/{query}", folder)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tests/browser/looks.py OUTDIR")
    main(Path(sys.argv[1]))
