"""P(X|z), the families of `config.LIKELIHOODS`: what is known of each without numbers.

Its density and mean picture lie side by side: `torch_` (with gradients; the formulas are derived there), `numpy_` (the
server, without torch), and `app/components/frontend/net/likelihoods.js` (the page).
"""

from vae_core.config import LIKELIHOODS

NARROW = 1e-2
"""Where |f| is below this, series replace the quotients in which 0/0 would lurk."""
SMALLEST_SIGMA = 1 / 256
"""A σ for each pixel stays above one grey level of 8 bits: a pixel that never changes would take it to 0."""
LOG_SIGMA = "likelihood.log_sigma"
"""The tensor of a family that has a σ: log σ, one number or one for each pixel."""

FAMILIES = tuple(LIKELIHOODS)


def has_sigma(family: str) -> bool:
    """Whether the family has a σ beside f(z)."""
    return family == "gaussian"
