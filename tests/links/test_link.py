"""The table of what a URL may hold: one meaning a name, old links open the same view."""

from __future__ import annotations

import ast
import itertools
import re
from typing import Any

import pytest

from app import link
from app.lab import VIEWS
from tests.app.test_app import APP, STARTERS, nobody_works, visit  # noqa: F401
from tests.links.test_hostile import PAGES
from vae_core.config.catalogue import OBJECTIVES
from vae_core.store import Store


def owners(item: link.Item[Any]) -> set[str]:
    """The pages that know it; `lab` is all views of the lab, and `*` everything."""
    return {*item.whose, *(VIEWS if link.LAB in item.whose else ())}


WIDGETS = ("selectbox", "slider", "select_slider", "number_input", "radio", "checkbox", "multiselect", "button_group")
NAMES = [item.name for item in link.TABLE]

GOOD: dict[str, Any] = {
    "run": STARTERS[2],
    "runs": [STARTERS[2], STARTERS[10]],
    "sweep": "mnist-mlp-10d-beta1-ebf06870",
    "member": 0.25,
    "moment": 3,
    "z": [0.25, -1.5],
    "image": 7,
    "selected": 77,
    "shuffle": 5,
    "draw": 9,
    "line": [1.2, 0.4],
    "pair": [1.5, 0.8, 0.5, 0.9, -0.3],
    "mode": "plane",
    "spread": [0.8, -0.5, 0.35, 0.6],
    "how": "direct",
    "code": 3,
    "zoom": True,
    "gaussian": "full",
    "k": 5000,
    "set": 9,
    "plane": True,
    "noise": 0.35,
    "at": 2.5,
    "pick": [1.0, 4.0],
    "step": 3000,
    "trial": 12,
    "example": 40,
    "course": [(0, 1.0), (120, 4.0)],
    "loss": "msbdg",
    "weight": 0.25,
    "variance": 0.01,
    "present": True,
    "tour": 3,
    "data": "digits",
    "network": "conv",
    "objective": "iwae",
    "likelihood": "gaussian",
    "posterior": "full",
    "binarize": "dynamic",
    "activation": "tanh",
    "hidden": "200, 200",
}
SESSION = re.compile(r', "session": "[0-9a-f]+"')
"""What differs from visit to visit in the data of every component."""
BAD = [
    "",
    " ",
    "x",
    "-1",
    "nan",
    "inf",
    "1e400",
    "1,",
    ",",
    "9" * 60,
    "1²",
    "٣",
    "0x1",
    "1_000",
    "a" * 5000,
    "\x00",
    "1;2",
]


def test_a_name_has_one_meaning() -> None:
    assert len(NAMES) == len(set(NAMES))
    for item in link.TABLE:
        assert item.meaning
        assert set(item.whose) <= {*PAGES, link.LAB, "*"}
        for page, name in item.once:
            # Where an old name is read, nothing of today has it.
            assert page in owners(item)
            assert not [other for other in link.TABLE if other.name == name and {page, "*"} & owners(other)]
    olds = [old for item in link.TABLE for old in item.once]
    assert len(olds) == len(set(olds))


@pytest.mark.parametrize("item", [item for item in link.TABLE if not item.bound], ids=lambda item: item.name)
def test_what_is_written_is_read_again_and_what_is_none_is_not_there(item: link.Item[Any]) -> None:
    value = GOOD[item.name]
    assert item.parse(item.text(value)) == value
    for text in BAD:
        found = item.parse(text)
        if found is not None:
            assert item.name in ("run", "runs", "sweep") or item.parse(item.text(found)) == found


def test_only_one_module_touches_the_url() -> None:
    for path in APP.rglob("*.py"):
        if path.name != "link.py":
            assert not re.search(r"\bst\.query_params", path.read_text()), path


def test_what_pages_read_and_write_is_theirs_in_the_table() -> None:
    """From the source: `link.NAME`, and the names that are put or handed to another page."""
    by_constant = {name: item for name, item in vars(link).items() if isinstance(item, link.Item)}
    seen: set[tuple[str, str]] = set()
    for folder in ("views", "lab"):
        for path in (APP / folder).glob("*.py"):
            page = {"latent_map": "map", "train_form": "train"}.get(path.stem, path.stem.replace("_", "-"))
            for node in ast.walk(ast.parse(path.read_text())):
                if not (
                    isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "link"
                ):
                    continue
                if node.attr in by_constant:
                    seen.add((page, by_constant[node.attr].name))
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "put":
                    seen |= {(page, keyword.arg) for keyword in node.keywords if keyword.arg}
    items = {item.name: item for item in link.TABLE}
    assert len(seen) > 30
    for page, name in sorted(seen):
        assert name in items, f"{page} uses {name!r}, which the table does not have"
        assert {page, "*"} & owners(items[name]), f"{page} uses {name!r}, which is {items[name].whose}'s"


@pytest.mark.parametrize("page", PAGES)
def test_every_bound_widget_stands_in_the_table(page: str, home: Store) -> None:
    bound = {item.name for item in link.TABLE if item.bound and page in owners(item)}
    views = [{"objective": name, "likelihood": "gaussian"} for name in OBJECTIVES] if page == "train" else [{}]
    found: set[str] = set()
    for view in views:
        at = visit(page, **view)
        assert not at.exception
        for kind in (
            "selectbox",
            "slider",
            "select_slider",
            "number_input",
            "radio",
            "checkbox",
            "multiselect",
            "pills",
            "text_input",
        ):
            for element in at.get(kind):
                if key := getattr(element.proto, "query_param_key", ""):
                    found.add(key)
        known = {item.name for item in link.TABLE if {page, "*"} & owners(item)}
        assert set(at.query_params) <= known
    assert found <= bound
    if page == "train":
        assert found == bound


def test_page_and_link_round_a_code_alike() -> None:
    frontend = APP / "components" / "frontend" / "kit"
    digits = re.search(r"LINK_DIGITS = (\d+);", (frontend / "numbers.js").read_text())
    rounds = re.search(r"LINK_ROUNDS = ([\d.]+);", (frontend / "hand.js").read_text())
    assert digits
    assert rounds
    assert int(digits[1]) == link.CODE_DIGITS
    least = 0.5 * 10**-link.CODE_DIGITS
    assert least < float(rounds[1]) < 2 * least  # one that is rounded is the same; the next but one is not
    assert link.code_text([0.125, -0.004, 1.0]) == "0.12,0,1"


# -- links of version 0.1

OLD = [
    ("beta", {"beta": "0.25", "seed": "7", "plane": "1"}, {"member": "0.25", "draw": "7", "plane": "1"}),
    ("rate-distortion", {"beta": "16"}, {"member": "16"}),
    (
        "gap",
        {"run": STARTERS[2], "image": "17", "q": "full", "z": "0.5,1"},
        {"gaussian": "full", "image": "17", "z": "0.5,1"},
    ),
    ("gaussian", {"q": "1.5,0.5"}, {"line": "1.5,0.5"}),
    ("gaussian", {"mode": "plane", "q2": "-1.2,0.7,0.4,1.3,0.6"}, {"pair": "-1.2,0.7,0.4,1.3,0.6", "mode": "plane"}),
    (
        "reparameterisation",
        {"run": STARTERS[2], "q": "0.5,-0.25,0.4,0.7", "seed": "7", "code": "2", "how": "direct", "zoom": "1"},
        {"spread": "0.5,-0.25,0.4,0.7", "draw": "7", "code": "2", "how": "direct", "zoom": "1"},
    ),
    ("sampling", {"run": STARTERS[2], "image": "3", "seed": "4", "k": "300"}, {"draw": "4", "image": "3", "k": "300"}),
    (
        "steps",
        {"seed": "2", "step": "11", "image": "5", "beta": "1,10:4"},
        {"trial": "2", "step": "11", "example": "5", "course": "1,10:4"},
    ),
]


@pytest.mark.parametrize(("page", "old", "new"), OLD, ids=[f"{page}-{'-'.join(old)}" for page, old, _ in OLD])
def test_a_link_of_version_01_opens_the_same_view(
    page: str, old: dict[str, str], new: dict[str, str], home: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, dict[str, Any]] = {}
    for name, view in (("old", old), ("new", {**old, **new})):
        at = visit(page, **{key: value for key, value in view.items() if name == "old" or key in (*new, "run")})
        assert not at.exception
        assert {key: at.query_params[key] for key in new} == new
        assert not (set(old) - set(new) - {"run"}) & set(at.query_params)
        told[name] = shown(at)
    assert told["old"] == told["new"]


def shown(at: Any) -> dict[str, Any]:
    """What the component of the page is told."""
    found = [element.proto for element in at.get("bidi_component")]
    return {
        str(i): SESSION.sub("", str(getattr(proto, "json", "") or getattr(proto, "mixed", "")))
        for i, proto in enumerate(found)
    }


def test_old_names_stand_for_all_that_had_several_meanings() -> None:
    pages = {page for page, _, _ in OLD}
    assert {page for item in link.TABLE for page, _ in item.once} == pages
    for page, name in itertools.chain.from_iterable(item.once for item in link.TABLE):
        assert any(page == other and name in old for other, old, _ in OLD)
        assert page in VIEWS


@pytest.mark.parametrize("page", ["train", "explore"])
def test_names_that_kept_their_meaning_stay(page: str, home: Store) -> None:
    at = visit(page, beta="4", seed="5", image="7")
    assert not at.exception
    if page == "train":
        assert (at.query_params["beta"], at.query_params["seed"]) == ("4", "5")
    else:
        assert at.query_params["image"] == "7"
