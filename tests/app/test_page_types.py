"""What Python hands each component is what a `types.d.ts` says: the page's checker takes its word for it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FRONTEND = ROOT / "app" / "components" / "frontend"
TYPES = "\n".join(path.read_text(encoding="utf-8") for path in sorted(FRONTEND.rglob("types.d.ts")))

# A comment that names a file, then the interface of what that file sends.
_DECLARED = re.compile(r"/\*\* `(app/[\w/]+\.py)`[^\n]*\*/\nexport interface (\w+) \{\n(.*?)\n\}", re.S)
_FIELD = re.compile(r"^  (\w+)(\??):", re.M)


def declared() -> list[tuple[str, str, set[str], set[str]]]:
    """File, interface, the fields that must be there, and those that may."""
    found: list[tuple[str, str, set[str], set[str]]] = []
    for path, name, body in _DECLARED.findall(TYPES):
        fields = _FIELD.findall(body)
        found.append((path, name, {field for field, mark in fields if not mark}, {field for field, _ in fields}))
    return found


def records(path: str) -> list[set[str]]:
    """The keys of every dict that is written out in a module, and the fields of every class."""
    found: list[set[str]] = []
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Dict):
            keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
            if len(keys) == len(node.keys):
                found.append({str(key) for key in keys})
        elif isinstance(node, ast.ClassDef):
            found.append({str(line.target.id) for line in node.body if _is_field(line)})  # type: ignore[union-attr]
    return found


def _is_field(line: ast.stmt) -> bool:
    return isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)


def sent() -> list[tuple[str, set[str]]]:
    """File and keys of every `data={…}` that a component is called with."""
    found: list[tuple[str, set[str]]] = []
    for file in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                for argument in node.keywords:
                    if argument.arg == "data" and isinstance(argument.value, ast.Dict):
                        keys = {str(key.value) for key in argument.value.keys if isinstance(key, ast.Constant)}
                        found.append((file.relative_to(ROOT).as_posix(), keys))
    return found


@pytest.mark.parametrize(
    ("path", "name", "needed", "known"),
    declared(),
    ids=lambda value: value if isinstance(value, str) else str(len(value)),
)
def test_every_interface_is_sent_by_the_file_it_names(path: str, name: str, needed: set[str], known: set[str]) -> None:
    assert any(keys and needed <= keys <= known for keys in records(path)), f"{path} has no record like {name}"


@pytest.mark.parametrize(
    ("path", "keys"), sent(), ids=lambda value: value if isinstance(value, str) else str(len(value))
)
def test_all_data_of_a_component_is_declared(path: str, keys: set[str]) -> None:
    matching = [name for file, name, needed, known in declared() if file == path and needed <= keys <= known]
    assert matching, f"{path} sends {sorted(keys)}, which no interface of a types.d.ts says it does"


def test_there_is_something_to_compare() -> None:
    assert len(declared()) >= 18
    assert len(sent()) >= 12
