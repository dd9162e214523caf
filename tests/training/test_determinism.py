"""A run is decided by its configuration alone: wherever it is cut off, and whatever else the machine does."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.conftest import same, timeless, tiny
from vae_core import data
from vae_core.config import RunConfig
from vae_core.config.catalogue import OBJECTIVES
from vae_core.config.errors import TooLargeError
from vae_core.config.events import Diverged, Event, Finished, Losses, Snapshot, Started
from vae_core.networks.evaluate import per_image, to_unit
from vae_core.networks.torch_ import VAE
from vae_core.training import loop as training
from vae_core.training import threads
from vae_core.training.loop import Training
from vae_core.training.objectives import Elbo, Found, Step

DIGITS = data.load("digits")


def followed(one: Training) -> list[Event]:
    return list(one.events())


def test_the_global_seeds_neither_matter_nor_change() -> None:
    torch.manual_seed(1)
    before, numpys = torch.get_rng_state(), np.random.get_state()[1].copy()
    one = Training(tiny(), DIGITS)
    first = followed(one)
    assert torch.equal(before, torch.get_rng_state())
    assert (numpys == np.random.get_state()[1]).all()
    torch.manual_seed(2)
    two = Training(tiny(), DIGITS)
    assert timeless(followed(two)) == timeless(first)
    assert same(one.weights(), two.weights())


def test_the_number_of_threads_never_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without bfloat16 the order in which a convolution's gradients are added up depends on it, and with it the bits.
    monkeypatch.setattr(training, "PROGRESS_SECONDS", 0.0)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "allowed", lambda: 2)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        one = Training(tiny(), DIGITS)
        assert torch.get_num_threads() == 1  # building one changes nothing
        events, seen = one.events(), []
        for event in events:
            seen.append(torch.get_num_threads())
            if isinstance(event, Started):
                assert event.threads == 2
            if one.step > 3 and one.settled:
                break
        events.close()
        assert set(seen) == {2}
        assert torch.get_num_threads() == 1
        # A run that goes on elsewhere takes as many as it began with: the bits stay the same.
        monkeypatch.setattr(threads, "allowed", lambda: 1)
        again = Training(tiny(), DIGITS, one.state())
        assert {torch.get_num_threads() for _ in again.events()} == {2}
    finally:
        torch.set_num_threads(before)


LATE = """
import sys, warnings
{first}
import vae_core
from vae_core.training import threads
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    with threads.set_to({count}):
        pass
print(*(one.message for one in said))
"""


@pytest.mark.parametrize(
    ("first", "count", "environment", "warned"),
    [
        ("import torch", 2, {}, True),
        ("import torch", 1, {}, False),
        ("import torch", 2, {"GOMP_SPINCOUNT": "1000"}, False),
        ("", 2, {}, False),
    ],
)
def test_torch_imported_first_is_told(first: str, count: int, environment: dict[str, str], warned: bool) -> None:
    inherited = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    script = LATE.format(first=first, count=count)
    said = subprocess.run(
        [sys.executable, "-c", script], env=inherited | environment, capture_output=True, text=True, check=True
    )
    assert ("import vae_core first" in said.stdout) == warned


def test_threads_are_what_the_process_may_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(threads, "CGROUP", tmp_path)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(16)), raising=False)
    assert threads.allowed() == 16
    for quota, expected in (("max 100000", 16), ("250000 100000", 3), ("10000 100000", 1), ("9900000 100000", 16)):
        (tmp_path / "cpu.max").write_text(quota + "\n")
        assert threads.allowed() == expected
    (tmp_path / "cpu.max").unlink()
    (tmp_path / "cpu").mkdir()  # the older layout
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    for quota, expected in (("-1", 16), ("400000", 4)):
        (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota + "\n")
        assert threads.allowed() == expected
    for given, expected in (("3", 3), ("6,2", 6), ("0", 4), ("many", 4)):
        monkeypatch.setenv("OMP_NUM_THREADS", given)
        assert threads.allowed() == expected


def gone_on(config: RunConfig, after: int) -> tuple[list[Event], Training, bool]:
    """A run that is cut off after so many events, at the next settled moment, and one that goes on from there."""
    first = Training(config, DIGITS)
    said: list[Event] = []
    for event in first.events():
        said.append(event)
        if len(said) > after and first.settled and not isinstance(event, Finished):
            break
    else:
        return said, first, False
    arrays, meta = first.state()
    second = Training(config, DIGITS, ({n: a.copy() for n, a in arrays.items()}, dict(meta)))
    return said + followed(second), second, True


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_cut_off_after_any_event_it_is_the_same_run(likelihood: str) -> None:
    config = tiny(likelihood=likelihood, warmup_epochs=1.0)
    whole = Training(config, DIGITS)
    expected = timeless(followed(whole))
    after, was_cut = 0, True
    while was_cut:
        said, resumed, was_cut = gone_on(config, after)
        assert same(resumed.weights(), whole.weights()), after
        assert timeless(said) == expected, after
        after += 1
    assert after > 12  # the moment after every step was tried


@pytest.mark.parametrize("settings", [{"objective": name} for name in OBJECTIVES] + [{"posterior": "full"}], ids=str)
def test_every_objective_goes_on_as_if_never_cut_off(settings: dict[str, Any]) -> None:
    risen = {"parameters": {"capacity_epochs": 1.0}} if settings.get("objective") == "capacity" else {}
    config = tiny(**settings, **risen, binarize="dynamic", epochs=1)
    dataset = data.load("digits", "dynamic")
    whole = Training(config, dataset)
    expected = timeless(followed(whole))
    assert all(math.isfinite(e.objective or math.nan) for e in expected if isinstance(e, Losses))
    first = Training(config, dataset)
    said: list[Event] = []
    for event in first.events():
        said.append(event)
        if first.settled and first.step == 3:
            break
    arrays, meta = first.state()
    second = Training(config, dataset, ({n: a.copy() for n, a in arrays.items()}, dict(meta)))
    assert timeless(said + followed(second)) == expected
    assert same(second.weights(), whole.weights())


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ninth step's objective is not a number."""
    sound = Elbo.forward

    def bad(self: Elbo, step: Step) -> Found:
        value = sound(self, step)
        factor = math.nan if round(step.epoch * 6) == 8 else 1.0
        return replace(value, surrogate=value.surrogate * factor, objective=value.objective * factor)

    monkeypatch.setattr(Elbo, "forward", bad)


@pytest.mark.usefixtures("poisoned")
def test_a_run_that_diverges_keeps_its_best_weights_cut_off_or_not() -> None:
    whole, good = Training(tiny(), DIGITS), {}
    said: list[Event] = []
    for event in whole.events():
        said.append(event)
        if isinstance(event, Losses):
            good = whole.weights()
    diverged, end = next(e for e in said if isinstance(e, Diverged)), said[-1]
    assert "learning rate" in diverged.message
    assert isinstance(end, Finished)
    assert end.stopped
    assert math.isfinite(end.test.elbo)
    assert same(whole.weights(), good)
    after, was_cut = 0, True
    while was_cut:
        again, resumed, was_cut = gone_on(tiny(), after)
        assert timeless(again) == timeless(said)
        assert same(resumed.weights(), good)
        after += 1
    assert after > 8  # also cut off after the last good step


def test_a_run_that_never_was_finite_ends_without_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Elbo, "_combine", lambda _self, _step, _q, _z, reconstruction, _kl: reconstruction * math.nan)
    said = followed(Training(tiny(), DIGITS))
    assert isinstance([e for e in said if not isinstance(e, Snapshot)][-1], Diverged)
    assert not any(isinstance(e, (Finished, Losses)) for e in said)


def test_every_image_is_seen_once_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []
    step = Training._gradient_step
    monkeypatch.setattr(Training, "_gradient_step", lambda self, b, *rest: (seen.append(b), step(self, b, *rest))[1])
    followed(Training(tiny(batch_size=400, epochs=2), DIGITS))
    assert [len(batch) for batch in seen] == [400, 400, 400, 300] * 2
    first, second = torch.cat(seen[:4]), torch.cat(seen[4:])
    assert first.sort().values.tolist() == second.sort().values.tolist() == list(range(1500))
    assert first.tolist() != second.tolist()


@pytest.mark.parametrize(("objective", "sizes"), [("elbo", [1499, 1]), ("dip-vae-i", [1500]), ("info-vae", [1500])])
def test_an_image_that_would_be_alone_joins_the_batch_before(
    objective: str, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    step = Training._gradient_step
    monkeypatch.setattr(
        Training, "_gradient_step", lambda self, b, *rest: (seen.append(len(b)), step(self, b, *rest))[1]
    )
    one = Training(tiny(objective=objective, batch_size=1499), DIGITS)
    assert isinstance(followed(one)[-1], Finished)
    assert seen == sizes * 2
    assert one.steps_per_epoch == len(sizes)


def test_memory_that_does_not_suffice_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(*_given: object) -> None:
        torch.empty(1 << 60)

    monkeypatch.setattr(Training, "_gradient_step", greedy)
    with pytest.raises(TooLargeError, match=r"batch_size=256 .*: a step needs more memory"):
        followed(Training(tiny(), DIGITS))


def test_the_curves_are_means_over_the_images_of_the_steps() -> None:
    # A point after every step: the mean of that step's batch, computed here another way.
    one = Training(tiny(epochs=1, batch_size=500), DIGITS)
    expected: list[tuple[float, float]] = []
    points = 0
    for event in one.events():
        if isinstance(event, Losses):
            points += 1
            assert event.train.reconstruction == pytest.approx(expected[-1][0], rel=1e-4)
            assert event.train.kl == pytest.approx(expected[-1][1], rel=1e-3, abs=1e-4)
        if one.settled and one.step < one.steps:
            order = torch.randperm(1500, generator=training.seeded(0, "order", 0))
            batch = to_unit(one.x[order[one.step * 500 : (one.step + 1) * 500]]).view(-1, 1, 8, 8)
            with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=training._fast_bf16()):
                q = one.model.encode(batch)
                f = one.model.decode(q.sample(torch.randn(500, 2, generator=training.seeded(0, "epsilon", one.step))))
            p = torch.sigmoid(f.double())
            log_p = (batch * p.log() + (1 - batch) * (1 - p).log()).sum((1, 2, 3))
            expected.append((log_p.mean().item(), q.kl().sum(1).mean().item()))
    assert points == 3


def test_the_beta_that_is_told_is_that_of_the_step() -> None:
    said = followed(Training(tiny(beta=4.0, warmup_epochs=1.0), DIGITS))
    losses = [e for e in said if isinstance(e, Losses)]
    assert [e.beta for e in losses] == pytest.approx([4 * min(1, (e.step - 1) / 6) for e in losses])


def quadrature(model: VAE, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """For a model with D = 1 and images (B, …): exact log P(X), reconstruction and D[Q ‖ P(z|X)], (B,) nats each."""
    z = torch.linspace(-12, 12, 20_001, dtype=torch.float64)
    width = z[1] - z[0]
    with torch.inference_mode():
        f = model.decode(z.float()[:, None])
        log_pxz = torch.stack([model.likelihood.log_prob(i.expand_as(f), f) for i in x]).double()  # (B, Z)
        q = model.encode(x)
    log_pz = torch.distributions.Normal(0.0, 1.0).log_prob(z)
    log_qz = torch.distributions.Normal(q.mu.double(), (q.logvar.double() / 2).exp()).log_prob(z)  # (B, Z)
    log_px = torch.logsumexp(log_pxz + log_pz, 1) + width.log()
    weight = log_qz.exp() * width
    gap = (weight * (log_qz - (log_pxz + log_pz - log_px[:, None]))).sum(1)
    return log_px, (weight * log_pxz).sum(1), gap


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_the_elbo_is_below_log_px_by_the_kl_from_q_to_the_posterior(likelihood: str) -> None:
    # log P(X) − D[Q(z|X) ‖ P(z|X)] = E_{z∼Q}[log P(X|z)] − D[Q(z|X) ‖ P(z)]
    one = Training(tiny(latent_dim=1, epochs=8, likelihood=likelihood), DIGITS)
    followed(one)
    pictures = DIGITS.test.x[:40]
    x = to_unit(torch.from_numpy(pictures.copy()))
    log_px, reconstruction, gap = quadrature(one.model, x)
    with torch.inference_mode():
        elbo = reconstruction - one.model.encode(x).kl().sum(1).double()
    assert (elbo < log_px).all()
    assert (gap > 0).all()
    torch.testing.assert_close(log_px - gap, elbo, atol=2e-3, rtol=1e-4)
    # The reported estimate, one z a picture, has that expectation.
    draws = torch.from_numpy(np.stack([per_image(one.model, pictures, seed=s).reconstruction for s in range(400)]))
    error = draws.double().std(0) / math.sqrt(len(draws))
    assert ((draws.double().mean(0) - reconstruction).abs() < 5 * error + 1e-3).all()
