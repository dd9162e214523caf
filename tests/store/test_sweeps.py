"""Sweeps: which runs belong together, and what is trained for one."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import tiny
from vae_core.config import RunConfig
from vae_core.config.errors import ConfigError
from vae_core.config.events import Finished, Terms
from vae_core.jobs.run import run
from vae_core.store import RunInfo, Status, Store, sweeps


def info(config: RunConfig, status: Status = "finished", shipped: bool = False) -> RunInfo:
    result = Finished(1, 1.0, 1.0, 1.0, Terms(-100.0, 10.0, [10.0]), False, True)
    return RunInfo(config.run_id, config, status, 0.0, result, "", shipped)


def test_a_sweep_is_what_was_asked_for(tmp_path: Path) -> None:
    store = Store(tmp_path / "home", shipped=tmp_path / "none")
    wanted = sweeps.configs(tiny(epochs=1), betas=(4, 0, 1))
    for config in reversed(wanted):
        list(run(config, store))
    (found,) = sweeps.find(store.infos())
    assert [member.config for member in found.runs] == wanted
    assert found.betas == (0.0, 1.0, 4.0)
    assert found.key == tiny(epochs=1).run_id
    assert not found.shipped


def test_members_differ_in_beta_and_in_nothing_else() -> None:
    members = sweeps.configs(RunConfig(latent_dim=7, seed=3, beta=2.5))
    assert [config.beta for config in members] == list(sweeps.BETAS) == sorted(sweeps.BETAS)
    for field in fields(RunConfig):
        if field.name != "beta":
            assert len({getattr(config, field.name) for config in members}) == 1, field.name


@pytest.mark.parametrize(
    "other",
    [{"seed": 1}, {"epochs": 3}, {"hidden": (17,)}, {"posterior": "full"}, {"latent_dim": 3}, {"warmup_epochs": 1.0}],
)
def test_any_other_difference_makes_another_family(other: dict[str, Any]) -> None:
    alone = [info(tiny(beta=0.5)), info(tiny(beta=2.0, **other))]
    assert sweeps.find(alone) == []
    (found,) = sweeps.find([*alone, info(tiny(beta=2.0))])
    assert found.betas == (0.5, 2.0)


def test_only_finished_runs_of_the_plain_objective_are_members() -> None:
    one = info(tiny())
    assert sweeps.find([one, info(tiny(beta=4.0), status="stopped")]) == []
    assert sweeps.find([one, info(tiny(beta=4.0, objective="free-bits"))]) == []
    assert len(sweeps.find([one, info(tiny(beta=4.0))])) == 1


def test_shipped_first_then_larger_then_more_dimensions() -> None:
    def members(count: int, shipped: bool = False, **settings: Any) -> list[RunInfo]:
        return [info(config, shipped=shipped) for config in sweeps.configs(tiny(**settings))[:count]]

    runs = [
        *members(3, latent_dim=4),
        *members(5, latent_dim=2),
        *members(5, latent_dim=6),
        *members(2, latent_dim=3, shipped=True),
    ]
    assert [found.runs[0].config.latent_dim for found in sweeps.find(runs)] == [3, 6, 2, 4]


def test_key_does_not_depend_on_which_members_are_there() -> None:
    runs = [info(config) for config in sweeps.configs(tiny())]
    assert sweeps.find(runs[:2])[0].key == sweeps.find(runs[3:])[0].key == sweeps.find(runs)[0].key


def test_objective_without_a_plain_beta_is_refused() -> None:
    with pytest.raises(ConfigError, match="free-bits"):
        sweeps.configs(RunConfig(objective="free-bits"))
