"""The name of the code that a training's result depends on."""

import ast
import hashlib
from collections.abc import Sequence
from pathlib import Path

import jax

_LIBRARY = Path(__file__).resolve().parent.parent
_DECIDING = ("core", "router", "signatures", "stochastic", "teacher", "timeseries", "training")
"""Packages that decide a result: the model and its training, the families that label blocks, and what both stand on."""


def code_digest(library: Path = _LIBRARY, *, packages: Sequence[str] = _DECIDING) -> str:
    """Return 16 hex digits that name jax's version and what the deciding packages do.

    Comments, docstrings and layout do nothing: a training that took a night need not be taken again for them.

    Args:
        library: folder of the packages.
        packages: that decide the result; those of a training.
    """
    content = hashlib.sha256(jax.__version__.encode())
    for package in packages:
        for path in sorted((library / package).rglob("*.py")):
            content.update(f"{path.relative_to(library).as_posix()}:".encode())
            content.update(_doing(path.read_text()).encode())
    return content.hexdigest()[:16]


def _doing(source: str) -> str:
    """Return the code of a module in one layout, without its docstrings and other strings that stand alone."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [one for one in node.body if not _is_text(one)]
    return ast.unparse(tree)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
