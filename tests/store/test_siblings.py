"""Which runs stand side by side, and what would be trained beside them."""

from __future__ import annotations

from dataclasses import replace

from vae_core.config import RunConfig
from vae_core.store import RunInfo
from vae_core.store.siblings import plain, proposals, remedy, siblings

PLAIN = RunConfig(latent_dim=10, beta=4.0, epochs=30)
WARM = replace(PLAIN, warmup_epochs=10)
CYCLIC = replace(PLAIN, warmup_epochs=3, warmup_cycles=4)
FREE = replace(PLAIN, objective="free-bits", parameters=(("free_bits", 1.0),))


def info(config: RunConfig) -> RunInfo:
    return RunInfo(config.run_id, config, "finished", 0.0, None)


def test_siblings_differ_in_nothing_but_the_remedy() -> None:
    strangers = [replace(PLAIN, **change) for change in ({"beta": 2.0}, {"seed": 1}, {"latent_dim": 9}, {"epochs": 31})]
    infos = [info(config) for config in (*strangers, FREE, PLAIN, CYCLIC, WARM)]
    assert [found.config for found in siblings(infos, info(WARM))] == [FREE, PLAIN, CYCLIC]
    assert [found.config for found in siblings(infos, info(PLAIN))] == [FREE, CYCLIC, WARM]
    assert siblings(infos, info(strangers[0])) == []


def test_proposals_are_siblings_of_each_other_and_named_after_what_they_do() -> None:
    for config in (PLAIN, WARM, FREE, CYCLIC):
        made = proposals(config)
        assert [remedy(made[name]) for name in made] == list(made) == ["none", "warm-up", "free-bits"]
        assert {plain(other) for other in made.values()} == {PLAIN}
    assert proposals(PLAIN)["warm-up"] == WARM
    assert proposals(PLAIN)["free-bits"] == FREE
    assert proposals(replace(PLAIN, epochs=1))["warm-up"].warmup_epochs == 1
    assert proposals(replace(PLAIN, beta=0.0)) == {}


def test_an_objective_of_its_own_is_no_remedy() -> None:
    assert remedy(replace(PLAIN, beta=1.0, objective="iwae")) == "other"
    assert plain(replace(PLAIN, beta=1.0, objective="iwae")) == replace(PLAIN, beta=1.0)


def test_cycles_without_a_length_of_their_own_are_a_warm_up() -> None:
    assert remedy(replace(PLAIN, warmup_cycles=4)) == "warm-up"
    assert remedy(PLAIN) == "none"
