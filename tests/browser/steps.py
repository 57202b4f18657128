"""What a person does in the app, as functions of a page: open, choose, ask, upload, and read what is shown."""

import re

SETTLED = '[data-testid="stApp"][data-test-connection-state="CONNECTED"][data-test-script-state="notRunning"]'
CHUNKS = re.compile(r"([\d,]+) chunks")


def settle(page) -> None:
    """Returns once Streamlit is connected and no script runs."""
    page.wait_for_selector(SETTLED, state="attached")


def open_app(page, address: str, path: str = "/") -> None:
    """The page at this path, drawn: its heading stands and, on the Bench, the reader has its text."""
    page.goto(f"{address}{path}")
    page.locator(".status").first.wait_for()
    settle(page)


def go(page, name: str) -> None:
    """Another page by the navigation at the top."""
    page.get_by_test_id("stTopNavLink").filter(has_text=name).click()
    page.locator("h1.sr-only", has_text=name).wait_for(state="attached")
    settle(page)


def choose(page, key: str, option: str) -> None:
    """An option of the select box with this key, by its whole text."""
    page.locator(f".st-key-{key} input").first.click()
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)


def press(page, key: str, name: str | None = None) -> None:
    """A click on the button with this key, or on the one with this name within it."""
    box = page.locator(f".st-key-{key}")
    (box.get_by_role("button", name=name, exact=True) if name else box.get_by_role("button")).first.click()
    settle(page)


def slide(page, key: str, steps: int) -> None:
    """The slider so many steps up, or down where negative."""
    thumb = page.locator(f".st-key-{key}").get_by_role("slider")
    for _ in range(abs(steps)):
        thumb.press("ArrowRight" if steps > 0 else "ArrowLeft")
    settle(page)


def ask(page, query: str) -> None:
    """Type a query; nothing else is pressed."""
    page.get_by_role("searchbox", name="Query").or_(page.get_by_label("Query", exact=True)).first.fill(query)


def cards(page, title: str):
    """The hits of one list."""
    return page.get_by_role("gridcell", name=re.compile(rf"^{re.escape(title)}, rank \d+,"))


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
