"""No page writes into a widget: one in a closed popover would miss it, and send its bare default back when opened."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [*sorted((ROOT / "workbench" / "ui").rglob("*.py")), *sorted((ROOT / "pages").glob("*.py"))]
SWITCHES = {"decision-view", "experiments-view"}
"""Views of a page, which a button elsewhere turns to: they are drawn in every run, and in nothing that closes."""


def keys(tree: ast.AST) -> Iterator[str]:
    """Yield the keys of widgets that stand in the code as text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg == "key" and isinstance(keyword.value, ast.Constant):
                    yield keyword.value.value


def written(tree: ast.AST) -> Iterator[str]:
    """Yield the entries of session state that the code assigns or updates."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                    if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Constant):
                        yield part.slice.value
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "update":
            yield from (k.arg for k in node.keywords if k.arg)
            for argument in node.args:
                if isinstance(argument, ast.Dict):
                    yield from (k.value for k in argument.keys if isinstance(k, ast.Constant))


def test_no_page_writes_into_a_widget():
    trees = [ast.parse(path.read_text("utf-8")) for path in SOURCES]
    widgets = {key for tree in trees for key in keys(tree)}
    assert "golden-view" in widgets
    assert {name for tree in trees for name in written(tree)} & widgets == SWITCHES
