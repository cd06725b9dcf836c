"""Single definitions out of a published file, without the packages that the file imports."""

from __future__ import annotations
import __future__

import ast
import collections
import dataclasses
import difflib
import random
import re
import string
import typing
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

KNOWN = {
    "np": np,
    "torch": torch,
    "uuid": uuid,
    "Counter": collections.Counter,
    "defaultdict": collections.defaultdict,
    "dataclass": dataclasses.dataclass,
    "field": dataclasses.field,
    "SequenceMatcher": difflib.SequenceMatcher,
    "re": re,
    "string": string,
    "random": random,
    **{name: getattr(typing, name) for name in ("Any", "Dict", "List", "Optional", "Tuple")},
}


def definitions(path: Path, names: Sequence[str]) -> Any:
    """The functions and classes of these names, methods included as functions."""
    found = [node for node in _defined(ast.parse(path.read_text())) if node.name in names]
    missing = set(names) - {node.name for node in found}
    if missing:
        raise SystemExit(f"{path} does not define {', '.join(sorted(missing))}")
    for node in found:
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = []  # registries of the file's package
    module = ast.Module(body=list(found), type_ignores=[])
    # Dataclasses look their module up by this name.
    scope: dict[str, Any] = {**KNOWN, "__name__": __name__}
    flags = __future__.annotations.compiler_flag
    exec(compile(module, str(path), "exec", flags), scope)
    return SimpleNamespace(**{name: scope[name] for name in names})


def _defined(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node
