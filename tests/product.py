"""The product of what a model can be: network × P(X|z) × Q(z|X), from the registries, so that a new one is in it."""

from __future__ import annotations

from typing import Any

from vae_core.config import ARCHITECTURES, BINARIZE, LIKELIHOODS, PER_PIXEL, POSTERIORS, RunConfig

NETWORKS: list[dict[str, Any]] = [
    *({"architecture": name} for name in ARCHITECTURES if name != "mlp"),
    {"hidden": (8,)},
    {"hidden": ()},
]
"""Every network, tiny where it can be."""
LIKELIHOOD_FORMS: dict[str, list[dict[str, Any]]] = {
    **{name: [{"likelihood": name}] for name in LIKELIHOODS if name != "gaussian"},
    **{f"gaussian σ {s}": [{"likelihood": "gaussian", "sigma": s}] for s in (None, 0.2, PER_PIXEL)},
    "binarised": [{"likelihood": "bernoulli", "binarize": how} for how in BINARIZE if how != "none"],
}
"""Every form of P(X|z), and in what ways it is had."""
FAMILIES = [settings for ways in LIKELIHOOD_FORMS.values() for settings in ways]
QS = tuple(POSTERIORS)


def name(config: RunConfig) -> str:
    """Of a test case."""
    depth = "" if config.hidden else "-linear"
    parts = (config.architecture + depth, config.likelihood, config.sigma, config.binarize, config.posterior)
    return "-".join(str(part) for part in parts if part not in (None, "none"))
