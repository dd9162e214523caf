"""What the README promises to a reader who pastes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vae_core.store import Store

README = Path(__file__).parents[1] / "README.md"


def test_the_first_example_runs_as_it_stands(
    home: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = re.search(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found, "README.md has no python example"
    monkeypatch.chdir(tmp_path)
    exec(compile(found[1], str(README), "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out.strip()
    assert any(not info.shipped for info in home.infos())
