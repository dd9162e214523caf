"""Every setting of a run as a form or a command line shows it: made from the fields of `RunConfig` and the catalogue.

The words are the docstrings under the fields, read from the source once, when somebody asks.
"""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass, fields
from functools import cache
from itertools import pairwise
from typing import Any, Literal

from vae_core.config import run_config
from vae_core.config.catalogue import ALIASES, OBJECTIVES, PARAMETERS
from vae_core.config.run_config import CHOICES, RANGES, RunConfig
from vae_core.config.words import plain

Kind = Literal["word", "whole", "number", "sigma", "layers"]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One of them."""

    name: str
    kind: Kind
    """"sigma" is a number, a word or nothing; "layers" are whole numbers."""
    default: Any
    help: str
    low: float = 0.0
    high: float = 0.0
    choices: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    """The objectives that have it; empty for a field of the configuration."""

    @property
    def allowed(self) -> str:
        """In words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        return f"{plain(self.low)} to {plain(self.high)}" if self.high else ""


@cache
def settings() -> dict[str, Setting]:
    """Name -> setting: the fields in their order, then the parameters of the objectives."""
    found: dict[str, Setting] = {}
    words = _docstrings()
    for field in fields(RunConfig):
        if field.name == "parameters":
            continue
        choices = tuple(CHOICES.get(field.name, ()))
        if field.name == "objective":
            choices = (*OBJECTIVES, *ALIASES)
        low, high = RANGES.get(field.name, (0.0, 0.0))
        kind: Kind = "word" if choices else "whole" if isinstance(low, int) else "number"
        found[field.name] = Setting(
            name=field.name,
            kind={"sigma": "sigma", "hidden": "layers"}.get(field.name, kind),  # type: ignore[arg-type]
            default=field.default,
            help=words[field.name],
            low=low,
            high=high,
            choices=choices,
        )
    for name, owners in PARAMETERS.items():
        one = {p.name: p for p in OBJECTIVES[owners[0]].parameters}[name]
        found[name] = Setting(
            name=name,
            kind="word" if one.choices else "whole" if one.integer else "number",
            default=one.default,
            help=one.help,
            low=one.low,
            high=one.high,
            choices=one.choices,
            owners=tuple(owners),
        )
    return found


def _docstrings() -> dict[str, str]:
    """Field -> the string under it."""
    module = ast.parse(inspect.getsource(run_config))
    body = next(node.body for node in module.body if isinstance(node, ast.ClassDef) and node.name == "RunConfig")
    found: dict[str, str] = {}
    for field, text in pairwise(body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                found[name] = " ".join(words.split())
            case _:
                continue
    return found
