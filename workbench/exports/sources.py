"""The engine's own source, cut down to what one method needs: so that exported code cannot drift from it.

`vendored` starts at some definitions, follows every name that they use through the modules of the workbench, and writes
what it met as one module that imports nothing of it. Of a class only the members are kept whose names occur in what is
kept; the fields of a method stand as plain defaults. Definitions that need the workbench's surroundings (models, the
store) have a stand-in in `replaced`, or make the export impossible, which is said.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.exports.modules import imports, is_big, literal, spaced, stand_in

Place = tuple[str, str]
"""A module and the name of a definition in it."""

_OUTSIDE = tuple(f"workbench.{name}" for name in ("embedders", "endpoints", "models", "parsers", "store", "workspaces"))
Definition = ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


class NotExpressible(WorkbenchError):
    """Code that cannot stand without the workbench; the message says what it needs."""


@dataclass(frozen=True, slots=True, eq=False)
class _Module:
    name: str
    lines: list[str]
    definitions: dict[str, Definition]
    imports: dict[str, tuple[str, str | None]]
    """Name here → the module it comes from, and its name there; None where it is the module itself."""


@cache
def _module(name: str) -> _Module:
    file = import_module(name).__file__
    if file is None:
        raise NotExpressible(f"the source of {name} is not here")
    text = Path(file).read_text("utf-8")
    definitions: dict[str, Definition] = {}
    imports: dict[str, tuple[str, str | None]] = {}
    for node in ast.parse(text).body:
        if isinstance(node, Definition):
            for defined in _names(node):
                definitions[defined] = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imports.update(_imported(node))
    return _Module(name, text.splitlines(), definitions, imports)


def _names(node: Definition) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
    return [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, tuple[str, str | None]]]:
    for alias in node.names:
        if isinstance(node, ast.Import):
            yield alias.asname or alias.name, (alias.name, None)
        elif node.module and _found(f"{node.module}.{alias.name}"):
            yield alias.asname or alias.name, (f"{node.module}.{alias.name}", None)
        elif node.module:
            yield alias.asname or alias.name, (node.module, alias.name)


@cache
def _found(name: str) -> bool:
    """Whether this is a module of the workbench."""
    from importlib.util import find_spec

    if not name.startswith("workbench.") or name.endswith(".None"):
        return False
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


@dataclass(slots=True)
class _Selection:
    """What has been met so far: definitions, outside imports, and every attribute's name in kept code."""

    replaced: Mapping[Place, str]
    kept: dict[Place, None] = field(default_factory=dict)
    outside: set[tuple[str, str | None, str]] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    order: list[str] = field(default_factory=list)
    looked_at: set[int] = field(default_factory=set)

    def follow(self, module: str, name: str) -> None:
        """Keep a definition, and everything that it uses."""
        if (module, name) in self.kept:
            return None
        here = _module(module)
        if (module, name) not in self.replaced:
            if name in here.imports and name not in here.definitions:
                return self._take_import(here, name)
            if module.startswith(_OUTSIDE):
                raise NotExpressible(f"it needs {module}.{name}, which does not stand without the workbench")
        self.kept[module, name] = None
        if module not in self.order:
            self.order.append(module)
        self._scan(here, self._nodes(here, name))
        return None

    def _nodes(self, here: _Module, name: str) -> list[ast.AST]:
        """What of a definition is looked at now; the members of classes follow as they are reached."""
        if (here.name, name) in self.replaced:
            lines, body = stand_in(self.replaced[here.name, name])
            for line in lines:
                for known, (origin, there) in _imported(line):
                    self._take(here.name, origin, there, known)
            return [*ast.parse(body).body]
        node = here.definitions.get(name)
        if node is None:
            raise NotExpressible(f"{here.name} defines no {name} that can be followed")
        if not isinstance(node, ast.ClassDef):
            return [node]
        plain: list[ast.AST] = [*node.bases, *node.decorator_list]
        return plain

    def members(self) -> bool:
        """Look at members of kept classes whose names have come up since; whether there were any."""
        new = False
        for module, name in list(self.kept):
            node = _module(module).definitions.get(name)
            if (module, name) in self.replaced or not isinstance(node, ast.ClassDef):
                continue
            for member in _kept_members(node, self.attributes):
                if id(member) not in self.looked_at:
                    self.looked_at.add(id(member))
                    new = True
                    is_field = isinstance(member, ast.AnnAssign) and _is_option(_module(module), member)
                    self._scan(_module(module), [member.annotation] if is_field else [member])
        return new

    def _scan(self, here: _Module, nodes: Iterable[ast.AST]) -> None:
        nodes = [part for node in nodes for part in ast.walk(node)]
        local: dict[str, tuple[str, str | None]] = {}
        for part in nodes:
            if isinstance(part, ast.Import | ast.ImportFrom):
                local.update(_imported(part))
            elif isinstance(part, ast.Attribute):
                self.attributes.add(part.attr)
        for part in nodes:
            if not isinstance(part, ast.Name) or not isinstance(part.ctx, ast.Load):
                continue
            if part.id in local:
                origin, name = local[part.id]
                if origin.startswith("workbench"):
                    self._take(here.name, origin, name, part.id)
            elif part.id in here.definitions or (here.name, part.id) in self.replaced:
                self.follow(here.name, part.id)
            elif part.id in here.imports:
                self._take_import(here, part.id)

    def _take_import(self, here: _Module, name: str) -> None:
        origin, there = here.imports[name]
        self._take(here.name, origin, there, name)

    def _take(self, here: str, origin: str, name: str | None, known_as: str) -> None:
        if not origin.startswith("workbench"):
            self.outside.add((origin, name, known_as))
        elif name is None:
            raise NotExpressible(f"{here} needs the module {origin}, which does not stand without the workbench")
        elif name != known_as:
            raise NotExpressible(f"{here} knows {origin}.{name} as {known_as}: renamed imports cannot be followed")
        else:
            self.follow(origin, name)


def _kept_members(node: ast.ClassDef, attributes: set[str]) -> list[Any]:
    """Docstring, fields, and the methods whose names occur somewhere in kept code."""
    out: list[Any] = []
    for member in node.body:
        if isinstance(member, ast.FunctionDef):
            if member.name in attributes or member.name.startswith("__"):
                out.append(member)
        elif isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
            if "ClassVar" not in ast.unparse(member.annotation) or member.target.id in attributes:
                out.append(member)
        elif isinstance(member, ast.Assign):
            out.append(member)
    return out


def _is_option(here: _Module, member: ast.AnnAssign) -> bool:
    """Whether the field is made by `specs.option`, here or by way of a constant."""
    value: ast.expr | None = member.value
    if isinstance(value, ast.Name) and isinstance(constant := here.definitions.get(value.id), ast.Assign):
        value = constant.value
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "option"


def vendored(roots: Iterable[Place], replaced: Mapping[Place, str], attributes: Iterable[str] = ()) -> str:
    """The roots and everything they need as the text of one module, without its docstring.

    `replaced` gives some definitions another source; `attributes` names members that outside code will use.

    Raises:
        NotExpressible: something in reach cannot stand without the workbench.
    """
    found = _Selection(replaced, attributes=set(attributes))
    for module, name in roots:
        found.follow(module, name)
    while found.members():
        pass
    seen: dict[str, str] = {}
    blocks: list[str] = []
    for module in _by_import(found.order):
        here = _module(module)
        own = [name for place, name in found.kept if place == module]
        for name in sorted(own, key=lambda n: _line(here, n)):
            other = found.replaced.get((module, name))
            text = (stand_in(other)[1] if other else _written(here, name, found.attributes)).strip("\n")
            if seen.get(name, text) != text:
                raise NotExpressible(f"two definitions are called {name}; one of them is in {module}")
            if name not in seen and text:
                seen[name] = text
                blocks.append(text)
    gap = "\n\n\n" if is_big(blocks[0]) else "\n\n"
    return imports(found.outside, blocks) + gap + spaced(blocks)


def _line(here: _Module, name: str) -> int:
    node = here.definitions.get(name)
    return node.lineno if node else 0


def _by_import(modules: list[str]) -> list[str]:
    """The modules so that each comes after those that it imports."""
    out: list[str] = []
    seen: set[str] = set()

    def visit(module: str) -> None:
        seen.add(module)
        for origin, name in _module(module).imports.values():
            for place in (origin, f"{origin}.{name}"):
                if place not in seen and _found(place):
                    visit(place)
        if module in modules:
            out.append(module)

    for module in sorted(modules):
        if module not in seen:
            visit(module)
    return out


def _written(here: _Module, name: str, attributes: set[str]) -> str:
    """The definition's own lines, with the comments above it; of a class, its kept members."""
    node = here.definitions[name]
    if not isinstance(node, ast.ClassDef):
        return "\n".join(_without_workbench(here, node))
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
    head_end = node.body[0].lineno - 1
    out = [*_comments(here, first), *here.lines[first:head_end]]
    if ast.get_docstring(node):
        out += [*here.lines[node.body[0].lineno - 1 : node.body[0].end_lineno], ""]
    values = _defaults(here.name, name)
    for member in _kept_members(node, attributes):
        if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name) and _is_option(here, member):
            default = values.get(member.target.id, MISSING)
            out.append(f"    {member.target.id}: {ast.unparse(member.annotation)} = {literal(default)}")
        elif isinstance(member, ast.FunctionDef):
            out += [*([] if out[-1] == "" else [""]), *_without_workbench(here, member)]
        else:
            out += _without_workbench(here, member)
    if out[-1].endswith(":"):
        out.append("    pass")
    while not out[-1]:
        out.pop()
    return "\n".join(out)


def _defaults(module: str, name: str) -> dict[str, Any]:
    cls = getattr(import_module(module), name)
    return {f.name: f.default for f in fields(cls)} if is_dataclass(cls) else {}


def _without_workbench(here: _Module, node: ast.stmt) -> list[str]:
    """The lines of a definition and the comments above it, less the imports of the workbench inside."""
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(d.lineno for d in decorators)]) - 1
    gone: set[int] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.ImportFrom) and (part.module or "").startswith("workbench"):
            gone.update(range(part.lineno - 1, part.end_lineno or part.lineno))
    kept = [here.lines[i] for i in range(first, node.end_lineno or node.lineno) if i not in gone]
    return [*_comments(here, first), *kept]


def _comments(here: _Module, first: int) -> list[str]:
    start = first
    while start and here.lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return here.lines[start:first]
