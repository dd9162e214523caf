"""A model as the page is sent it: a manifest (JSON) with both graphs, and their tensors in float32.

What runs it lies in `app/components/frontend/net/`; the parity tests hold it to torch. No torch here: the app serves
models while torch is still being imported elsewhere.
"""

from __future__ import annotations

from typing import Any

from vae_core.networks.likelihoods import numpy_ as likelihoods
from vae_core.networks.model import Model

FORMAT = 2
"""1 was a list of layers of our own; no page of this version was ever sent one, and nothing here reads one."""


def manifest(model: Model) -> dict[str, Any]:
    """What a reader must know to run both networks: z (D) -> f(z) (C, H, W), and x (C, H, W) -> Q(z|X).

    `encoder` is null for a moment of training; its outputs are those that `posterior.outputs` names. `sigma` is the
    Gaussian's: a number, or a list of C·H·W; it is left out where it was not kept.
    """
    design = model.design
    described: dict[str, Any] = {
        "format": FORMAT,
        "name": model.origin.run_id or model.key[:12],
        "latent_dim": design.latent_dim,
        "image_shape": list(design.image_shape),
        "likelihood": design.likelihood,
        "is_log_likelihood": design.is_log_likelihood,
        "posterior": design.posterior,
        "decoder": design.decoder.to_dict(),
        "encoder": None if design.encoder is None else design.encoder.to_dict(),
    }
    if (sigma := likelihoods.sigma(model)) is not None:
        described["sigma"] = sigma.ravel().tolist() if sigma.ndim else float(sigma)
    return described
