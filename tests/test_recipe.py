"""What CONTRIBUTING says about adding something is so: the files are there, and they are all. So are README's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app import link
from app.lab import VIEWS

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ROWS = {row.split("|")[1].strip(): row for row in TEXT.splitlines() if re.match(r"\| an? ", row)}

LAST = {
    # What was added last of each kind, by its name in the code.
    "an objective": "dip-vae-ii",
    "a likelihood": "continuous-bernoulli",
    "a network layer": "ConvTranspose",
}


def named(row: str) -> set[str]:
    """The paths to touch in a row of the table."""
    return set(re.findall(r"`([\w./-]+/[\w./-]*)`", row.split("|")[2]))


def paths(text: str) -> set[str]:
    """Whatever looks like a path in code or behind a link, but for addresses and names with a gap to fill."""
    words = {word for code in re.findall(r"`([^`\n]+)`", text) for word in code.split()}
    words |= set(re.findall(r"\]\((?!https?:)([^)\s]+)\)", text))
    known = re.compile(r"[\w.-]+(/[\w.-]*)+|[\w-]+\.(py|js|md|ts|toml|json|txt)")
    return {word for word in words if known.fullmatch(word) and not re.search(r"NAME|^tools/", word)}


def mentioning(word: str) -> set[str]:
    """The files of the library and the app in whose code a word stands."""
    found = set()
    for room in ("vae_core", "app"):
        for path in (ROOT / room).rglob("*"):
            if path.suffix in (".py", ".js", ".ts", ".css") and word in path.read_text(encoding="utf-8"):
                found.add(str(path.relative_to(ROOT)))
    return found


FRONTEND = ROOT / "app" / "components" / "frontend"


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md"])
def test_every_path_that_is_named_is_there(page: str) -> None:
    found = paths((ROOT / page).read_text(encoding="utf-8"))
    assert len(found) > 20
    roots = (
        ROOT,
        *FRONTEND.parents[:2],
        FRONTEND,
    )  # there is `kit/drag.js`, `frontend/types.d.ts`, `components/frontend`
    assert [path for path in sorted(found) if not any((root / path).exists() for root in roots)] == []


def test_there_is_a_row_for_everything_that_can_be_added() -> None:
    assert [kind.split(" ", 1)[1] for kind in ROWS] == [
        "data set",
        "objective",
        "likelihood",
        "network layer",
        "derived thing",
        "lab view",
    ]


@pytest.mark.parametrize("kind", LAST)
def test_what_was_added_last_is_in_these_files_and_no_other(kind: str) -> None:
    assert mentioning(LAST[kind]) == named(ROWS[kind])
    assert int(ROWS[kind].split("|")[3]) == len(named(ROWS[kind]))


def test_a_lab_view_is_a_module_and_a_folder_and_what_its_link_holds() -> None:
    def beside(word: str) -> set[str]:
        return {path for path in mentioning(word) if "lab/reparameterisation" not in path}

    assert beside('"reparameterisation"') == {"app/link.py"}
    assert beside("ReparameterisationData") == set()
    # One whose link holds nothing of its own stands nowhere else.
    assert link.LAB in link.RUN.whose
    for view in VIEWS:
        assert (FRONTEND / "lab" / view / "types.d.ts").is_file()


def test_a_derived_thing_is_a_module() -> None:
    assert mentioning("class LogPx") == {"vae_core/jobs/derived/log_px.py"}
