"""What is worked out for one image is given up once nobody waits for it, and is otherwise what it was."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from app import session
from app.facts import one_image, payloads
from app.facts.one_image import CODES_AT_ONCE, WhileWanted
from vae_core import data
from vae_core.analysis import bounds
from vae_core.networks.onnx_ import OnnxScorer
from vae_core.networks.scorer import Scorer
from vae_core.store import RunInfo


class Gone(BaseException):
    """What Streamlit raises in a script whose visitor went on is no Exception either."""


@pytest.fixture
def run() -> RunInfo:
    """A shipped model with two dimensions."""
    return next(info for info in session.store().infos() if info.config.latent_dim == 2)


@pytest.fixture
def scorer(run: RunInfo) -> OnnxScorer:
    return payloads.scorer(run.run_id, session.version(run))


@pytest.fixture
def x() -> NDArray[np.float32]:
    return data.to_unit(data.load_split("mnist", "test").x[7])


def test_it_is_a_scorer_with_the_same_answers(scorer: OnnxScorer, x: NDArray[np.float32]) -> None:
    watched: Scorer = WhileWanted(scorer)
    z = np.random.default_rng(0).standard_normal((2 * CODES_AT_ONCE + 1, 1, 2))
    np.testing.assert_allclose(watched.log_likelihood(x[None], z), scorer.log_likelihood(x[None], z), rtol=1e-5)
    assert bounds.on_grid(watched, x).log_px == pytest.approx(bounds.on_grid(scorer, x).log_px, abs=1e-3)


def test_it_stops_at_the_next_step(scorer: OnnxScorer, x: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def leave_at_the_third() -> None:
        asked.append(1)
        if len(asked) == 3:
            raise Gone

    monkeypatch.setattr(session, "go_on", leave_at_the_third)
    with pytest.raises(Gone):
        bounds.on_grid(WhileWanted(scorer), x)
    assert len(asked) == 3


def test_every_long_work_for_one_image_goes_through_it(run: RunInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    def leave() -> None:
        raise Gone

    monkeypatch.setattr(session, "go_on", leave)
    for final in (False, True):
        with pytest.raises(Gone):
            one_image.posterior(run.run_id, session.version(run), 7, final)
        with pytest.raises(Gone):
            one_image.draws(run.run_id, session.version(run), 7, 0, 250, final)
