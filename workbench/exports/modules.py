"""The text of a module made of definitions: its imports in order, literals, and the blank lines between."""

import ast
import sys
from typing import Any


def stand_in(text: str) -> tuple[list[ast.Import | ast.ImportFrom], str]:
    """The import lines at the head of a replacement, and what follows them."""
    imports = [node for node in ast.parse(text).body if isinstance(node, ast.Import | ast.ImportFrom)]
    last = max((node.end_lineno or 0 for node in imports), default=0)
    return imports, "\n".join(text.splitlines()[last:]).strip("\n")


def literal(value: Any) -> str:
    """The value as Python writes it, texts between double quotes."""
    if isinstance(value, tuple | list):
        inner = ", ".join(literal(v) for v in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    if not isinstance(value, str) or '"' in value:
        return repr(value)
    return f'"{repr(value + chr(34))[1:-2]}"'.replace("\\'", "'") if "'" in value else f'"{repr(value)[1:-1]}"'


def imports(outside: set[tuple[str, str | None, str]], blocks: list[str]) -> str:
    """The import lines at the head, sorted as ruff sorts them: standard library, then the rest."""
    used = _used(blocks)
    needed = {(o, n, k) for o, n, k in outside if k in used}
    groups: dict[bool, list[str]] = {True: [], False: []}
    by_module: dict[str, list[str]] = {}
    for origin, name, known_as in sorted(needed, key=str):
        standard = origin.partition(".")[0] in sys.stdlib_module_names
        if name is None:
            groups[standard].append(f"import {origin}" + (f" as {known_as}" if known_as != origin else ""))
        else:
            by_module.setdefault(origin, []).append(name + (f" as {known_as}" if known_as != name else ""))
    for origin, names in by_module.items():
        standard = origin.partition(".")[0] in sys.stdlib_module_names
        groups[standard].append(f"from {origin} import {', '.join(sorted(names))}")
    ordered = [sorted(lines, key=lambda s: (not s.startswith("import"), s)) for lines in (groups[True], groups[False])]
    return "\n\n".join("\n".join(lines) for lines in ordered if lines)


def _used(blocks: list[str]) -> set[str]:
    return {part.id for text in blocks for part in ast.walk(ast.parse(text)) if isinstance(part, ast.Name)}


def is_big(text: str) -> bool:
    """Whether the block defines a function or class."""
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.parse(text).body)


def spaced(blocks: list[str]) -> str:
    """The definitions with blank lines between them: two about functions and classes, none between constants."""
    out = ""
    before = True
    for text in blocks:
        big = is_big(text)
        out += ("" if not out else "\n\n\n" if big or before else "\n") + text
        before = big
    return out + "\n"
