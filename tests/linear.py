"""A linear Gaussian VAE, whose integral and posterior are known in closed form: what every estimator is held to."""

from __future__ import annotations

import numpy as np
import torch
from scipy import stats

from vae_core.config import RunConfig
from vae_core.networks.onnx_ import OnnxScorer
from vae_core.networks.torch_ import TorchScorer
from vae_core.store import models
from vae_core.training.loop import untrained

SIGMA = 0.3


class Known:
    """x = W z + b + σε on 8×8 pixels, six images drawn from it.

    `correlated`: W has no orthogonal columns, so P(z|X) has a full covariance. `full`: so has Q. `blur` widens Q
    against the best there is of its family, `shift` moves it: 1 and 0 make a full Q exact, and a diagonal one too where
    the posterior is diagonal.
    """

    def __init__(
        self, d: int, *, blur: float = 1.0, shift: float = 0.0, full: bool = False, correlated: bool | None = None
    ) -> None:
        rng = np.random.default_rng(d)
        self.d = d
        self.w = np.linalg.qr(rng.standard_normal((64, d)))[0] * np.linspace(2.0, 0.7, d)
        if full if correlated is None else correlated:
            self.w = self.w @ (np.eye(d) + 0.6 * np.tril(rng.uniform(0.5, 1, (d, d)), -1))
        self.b = rng.uniform(0.2, 0.8, 64)
        self.precision = self.w.T @ self.w / SIGMA**2 + np.eye(d)
        self.covariance = np.linalg.inv(self.precision)
        config = RunConfig(
            dataset="digits",
            hidden=(),
            latent_dim=d,
            likelihood="gaussian",
            sigma=SIGMA,
            posterior="full" if full else "diagonal",
        )
        self.model = untrained(config, torch.Generator().manual_seed(0))
        to_mean = self.covariance @ self.w.T / SIGMA**2  # (D, 64)
        if full:
            factor = np.linalg.cholesky(self.covariance) * blur
            row, column = np.tril_indices(d, -1)
            constants = np.concatenate([2 * np.log(np.diag(factor)), factor[row, column]])
        else:
            constants = np.log(blur**2 / np.diag(self.precision))  # the diagonal Gaussian nearest to the posterior
        weights = {
            "decoder.0.weight": self.w,
            "decoder.0.bias": self.b,
            "encoder.1.weight": np.concatenate([to_mean, np.zeros((len(constants), 64))]),
            "encoder.1.bias": np.concatenate([-to_mean @ self.b + shift, constants]),
        }
        with torch.no_grad():
            for name, array in weights.items():
                self.model.get_parameter(name).copy_(torch.from_numpy(array))
        codes = rng.standard_normal((6, d))
        x = codes @ self.w.T + self.b + SIGMA * rng.standard_normal((6, 64))
        self.x = x.astype(np.float32).reshape(6, 1, 8, 8)
        self.log_px = stats.multivariate_normal(self.b, self.w @ self.w.T + SIGMA**2 * np.eye(64)).logpdf(x)
        self.posterior_mean = (x - self.b) @ to_mean.T
        self.scorer = OnnxScorer(models.of(config, {name: t.numpy() for name, t in self.model.state_dict().items()}))
        self.torch_scorer = TorchScorer(self.model)

    def posterior_samples(self, rng: np.random.Generator) -> np.ndarray:
        """One exact draw from P(z|X) for each image, (6, D)."""
        noise = rng.standard_normal((6, self.d))
        return (self.posterior_mean + noise @ np.linalg.cholesky(self.covariance).T).astype(np.float32)

    def gap(self, mu: np.ndarray, covariance: np.ndarray) -> np.ndarray:
        """D[N(mu, covariance) ‖ P(z|X)] in closed form, (6,)."""
        away = mu - self.posterior_mean
        inside = np.trace(self.precision @ covariance) - self.d - np.linalg.slogdet(self.precision @ covariance)[1]
        return 0.5 * (inside + np.einsum("bi,ij,bj->b", away, self.precision, away))

    def best_diagonal_gap(self) -> float:
        """D[Q* ‖ P(z|X)] of the best diagonal Q*, whose variances are 1/Λᵢᵢ: ½(Σ log Λᵢᵢ − log |Λ|)."""
        return 0.5 * float(np.log(np.diag(self.precision)).sum() - np.linalg.slogdet(self.precision)[1])


def close(estimate: np.ndarray, exact: np.ndarray, stderr: np.ndarray, slack: float = 2e-3) -> bool:
    """Whether all lie within 4.5 standard errors, and what float32 may add."""
    return bool((np.abs(estimate - exact) < 4.5 * stderr + slack).all())
