"""The program's modules as syntax trees, and what they import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ecr_action"


@dataclass(frozen=True)
class Module:
    """A module: its *name* below the package (``aws.session``; empty for the package itself) and its *path*."""

    name: str
    path: Path

    @property
    def folder(self) -> str:
        """The room it is in, empty at the top."""
        return self.name.rpartition(".")[0]

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"), str(self.path))

    def at(self, node: ast.AST) -> str:
        """Where *node* stands, as editors read it."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"

    def walk(self) -> Iterator[ast.AST]:
        return ast.walk(self.tree)


@dataclass(frozen=True)
class Import:
    """One import: *target* in full (``boto3.session``, ``ecr_action.aws.trust``), standing *at* a line."""

    target: str
    at: str

    @property
    def top(self) -> str:
        return self.target.partition(".")[0]

    @property
    def inside(self) -> str | None:
        """The module below the package that is imported, None where it is another package's."""
        return self.target[len(PACKAGE) :].lstrip(".") if self.top == PACKAGE else None


def modules(root: Path = ROOT) -> dict[str, Module]:
    """Every module of the package by its name."""
    found = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root / PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = Module(name, path)
    return found


def imports(module: Module, known: dict[str, Module]) -> Iterator[Import]:
    """What *module* imports anywhere in it, also inside functions; not what only type checkers read."""
    unread = {id(node) for block in module.walk() if _for_types(block) for node in ast.walk(block)}
    for node in module.walk():
        if id(node) in unread:
            continue
        if isinstance(node, ast.Import):
            yield from (Import(name.name, module.at(node)) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node)
            for name in node.names:
                whole = f"{base}.{name.name}"
                is_module = whole[len(PACKAGE) :].lstrip(".") in known or not base.startswith(PACKAGE)
                yield Import(whole if is_module else base, module.at(node))


def _for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    is_package = module.path.name == "__init__.py"
    parts = [PACKAGE, *(module.name.split(".") if module.name else [])]
    parts = parts[: len(parts) - node.level + (1 if is_package else 0)]
    return ".".join([*parts, *([node.module] if node.module else [])])
