"""What CONTRIBUTING says about adding something is so: the files are there, and they are all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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
    """The paths in a row of the table."""
    return set(re.findall(r"`([\w./-]+/[\w./-]*)`", row))


def mentioning(word: str) -> set[str]:
    """The files of the library and the app in whose code a word stands."""
    found = set()
    for room in ("vae_core", "app"):
        for path in (ROOT / room).rglob("*"):
            if path.suffix in (".py", ".js", ".ts", ".css") and word in path.read_text(encoding="utf-8"):
                found.add(str(path.relative_to(ROOT)))
    return found


def test_every_path_is_there() -> None:
    assert len(ROWS) == 6
    paths = set(re.findall(r"`((?:vae_core|app|tests|assets)/[\w./-]+)`", TEXT))
    assert len(paths) > 15
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("kind", LAST)
def test_what_was_added_last_is_in_these_files_and_no_other(kind: str) -> None:
    assert mentioning(LAST[kind]) == named(ROWS[kind])
    assert int(ROWS[kind].split("|")[3]) == len(named(ROWS[kind]))


def test_a_lab_view_is_a_module_a_folder_and_lines_in_two_files() -> None:
    beside = {path for path in mentioning('"reparameterisation"') if "lab/reparameterisation" not in path}
    assert beside == {"app/link.py"}
    typed = {path for path in mentioning("ReparameterisationData") if "lab/reparameterisation" not in path}
    assert typed == {"app/components/frontend/types.d.ts"}
    assert (ROOT / "app/components/frontend/lab/reparameterisation").is_dir()


def test_a_derived_thing_is_a_module() -> None:
    assert mentioning("class LogPx") == {"vae_core/jobs/derived/log_px.py"}
