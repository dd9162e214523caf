"""Both bounds around a linear Gaussian VAE's known log P(X)."""

from __future__ import annotations

import numpy as np
import pytest

from tests.conftest import tiny
from tests.linear import Known, close
from vae_core.analysis import annealing
from vae_core.analysis.annealing import Annealing, Bracket, bracket, simulate
from vae_core.config.errors import ConfigError
from vae_core.training.loop import seeded, untrained


def rng(n: int = 0) -> np.random.Generator:
    return np.random.default_rng(n)


def holds(found: Bracket, exact: np.ndarray) -> bool:
    """Whether every bound is on its side, or off by no more than 4.5 of its standard errors."""
    low = (found.lower < exact + 4.5 * found.lower_stderr + 5e-3).all()
    return bool(low and (found.upper > exact - 4.5 * found.upper_stderr - 5e-3).all())


@pytest.mark.parametrize("start", ["prior", "q"])
@pytest.mark.parametrize("full", [False, True], ids=["diagonal", "full"])
def test_the_truth_is_between_the_bounds(start: annealing.Start, full: bool) -> None:
    known = Known(3, blur=1.3, shift=0.1, full=full, correlated=True)
    settings = Annealing(chains=32, temperatures=100, leapfrog=8, start=start)
    found = bracket(known.model, known.x, settings, rng(1), known.posterior_samples(rng(2)))
    assert holds(found, known.log_px)
    assert found.upper_is_bound
    assert found.is_log_likelihood
    assert (found.upper - found.lower).mean() < (1 if start == "prior" else 0.3)
    assert 0.5 < found.acceptance < 0.9
    # Nor is it because the errors are large.
    assert found.lower_stderr.max() < 0.5
    assert found.upper_stderr.max() < 0.5


def test_more_temperatures_bring_the_bounds_together() -> None:
    known = Known(5)
    exact = known.posterior_samples(rng(2))

    def width(temperatures: int) -> float:
        settings = Annealing(chains=64, temperatures=temperatures, leapfrog=4)
        found = [bracket(known.model, known.x, settings, rng(seed), exact) for seed in (2, 3)]
        return float(np.mean([one.upper - one.lower for one in found]))

    coarse, middle, fine = width(4), width(16), width(64)
    assert coarse > 2 * middle > 4 * fine > 0
    assert fine < 0.8


def test_on_average_the_weights_are_exact_however_short_the_path() -> None:
    """Mean weight P(X), mean inverse weight 1/P(X): what makes them bounds, here from three temperatures."""
    known = Known(1, blur=1.3, shift=0.05)
    width = np.sqrt(known.covariance[0, 0])
    posterior = known.posterior_mean + width * rng(4).standard_normal((3000, 6, 1))
    settings = Annealing(chains=3000, temperatures=3, leapfrog=2, start="q")
    found = bracket(known.model, known.x, settings, rng(3), posterior.astype(np.float32))
    assert close(found.lower, known.log_px, found.lower_stderr)
    assert close(found.upper, known.log_px, found.upper_stderr)
    assert max(found.lower_stderr.max(), found.upper_stderr.max()) < 0.03


def test_without_an_exact_sample_the_upper_figure_is_not_called_a_bound() -> None:
    known = Known(2)
    settings = Annealing(chains=32, temperatures=60, leapfrog=5, start="q")
    found = bracket(known.model, known.x, settings, rng())
    assert not found.upper_is_bound
    np.testing.assert_allclose(found.upper, known.log_px, atol=0.5)  # near one all the same, where chains mix
    np.testing.assert_allclose(found.lower, known.log_px, atol=0.5)


@pytest.mark.parametrize("settings", [{}, {"likelihood": "continuous-bernoulli"}, {"likelihood": "gaussian"}])
def test_images_of_the_model_come_with_a_sample_of_their_posterior(settings: dict[str, str]) -> None:
    model = untrained(tiny(**settings, latent_dim=3), seeded(0, "weights", 0))
    x, z = simulate(model, 4, rng(5))
    assert x.shape == (4, 1, 8, 8)
    assert z.shape == (4, 3)
    found = bracket(model, x, Annealing(chains=8, temperatures=20, leapfrog=3), rng(6), z)
    assert found.upper_is_bound
    assert (found.lower <= found.upper + 4.5 * (found.lower_stderr + found.upper_stderr) + 1e-3).all()


def test_groups_bound_the_memory_and_the_same_seed_gives_the_same_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Known(2)
    monkeypatch.setattr(annealing, "CHAINS", 32)
    decoded: list[int] = []
    decode = known.model.decode
    monkeypatch.setattr(known.model, "decode", lambda z: (decoded.append(len(z)), decode(z))[1])
    settings = Annealing(chains=16, temperatures=10, leapfrog=2)
    one, two = (bracket(known.model, known.x, settings, rng(7)) for _ in range(2))
    assert max(decoded) == 32
    assert one.lower.shape == (6,)
    np.testing.assert_array_equal(one.lower, two.lower)
    np.testing.assert_array_equal(one.upper, two.upper)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"chains": 0}, "chains=0: give 1 or more"),
        ({"temperatures": 1}, "temperatures=1: give 2 or more"),
        ({"leapfrog": 0}, "leapfrog=0: give 1 or more"),
        ({"start": "posterior"}, "start='posterior': choose one of prior, q"),
    ],
)
def test_settings_that_make_no_path_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Annealing(**wrong)


@pytest.mark.parametrize(
    ("lower", "upper", "agreement"),
    [(-112.5, -112.4, "apart"), (-112.18, -112.43, "agree"), (-110.0, -112.4, "contradict")],
)
def test_a_bracket_that_is_upside_down_says_what_it_is_worth(lower: float, upper: float, agreement: str) -> None:
    error = np.full(4, 0.4)  # of the mean: 0.2
    found = annealing.between(
        Bracket(
            lower=np.full(4, lower),
            upper=np.full(4, upper),
            lower_stderr=error,
            upper_stderr=error,
            upper_is_bound=False,
            acceptance=0.6,
            is_log_likelihood=True,
        )
    )
    assert (found.lower, found.upper, found.agreement) == (pytest.approx(lower), pytest.approx(upper), agreement)
    assert found.lower_stderr == found.upper_stderr == pytest.approx(0.2)
