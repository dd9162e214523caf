from __future__ import annotations

import pytest
import torch

from tests.conftest import tiny
from vae_core.objectives import beta_at, objective


def test_the_objective_at_beta_one_is_the_elbo() -> None:
    reconstruction, kl = torch.tensor([-10.0, -20.0]), torch.tensor([[1.0, 2.0], [0.5, 0.25]])
    torch.testing.assert_close(objective(reconstruction, kl, 1.0), torch.tensor([-13.0, -20.75]))
    torch.testing.assert_close(objective(reconstruction, kl, 4.0), torch.tensor([-22.0, -23.0]))
    torch.testing.assert_close(objective(reconstruction, kl, 0.0), reconstruction)


@pytest.mark.parametrize(
    ("epoch", "beta"), [(0.0, 0.0), (0.5, 1.0), (1.0, 2.0), (1.75, 3.5), (2.0, 4.0), (2.5, 4.0), (9.0, 4.0)]
)
def test_beta_rises_linearly_and_stays(epoch: float, beta: float) -> None:
    assert beta_at(tiny(beta=4.0, warmup_epochs=2.0), epoch) == pytest.approx(beta)


def test_without_a_warm_up_beta_is_there_at_once() -> None:
    assert beta_at(tiny(beta=4.0), 0.0) == 4.0
