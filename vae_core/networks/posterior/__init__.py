"""Q(z|X) = N(μ(X), L·Lᵀ), the forms of `config.POSTERIORS`: which numbers the encoder puts out.

What is computed with them lies side by side: `torch_` (with gradients) and `numpy_` (everything else, without torch).
"""

from vae_core.config import POSTERIORS

FORMS = tuple(POSTERIORS)


def outputs(form: str, latent_dim: int) -> dict[str, int]:
    """The encoder's outputs for D dimensions, name -> numbers: `mu`, `logvar`, and `lower`, L below its diagonal.

    A full covariance of one dimension has nothing there, so no such output.
    """
    below = latent_dim * (latent_dim - 1) // 2 if form == "full" else 0
    return {"mu": latent_dim, "logvar": latent_dim, **({"lower": below} if below else {})}
