"""Pages are tested as on a machine of one's own, unless a test lets strangers in."""

from __future__ import annotations

import pytest

from vae_core.config.visitors import Visitors


@pytest.fixture(autouse=True)
def own_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in Visitors(strangers=False).to_environment().items():
        monkeypatch.setenv(name, value)
