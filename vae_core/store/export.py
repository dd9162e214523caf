"""A trained model for others: a manifest (JSON) and raw float32 weights, read by the page's own engine or any program.

The manifest lists the layers of `architecture.py`; tensors keep torch's shapes. The parity tests hold the
page's engine to torch. No torch here: the app exports while torch is still being imported elsewhere.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from vae_core.config import RunConfig
from vae_core.config.errors import CorruptFileError, StoreError
from vae_core.networks import builders
from vae_core.networks.architecture import network
from vae_core.networks.likelihoods import numpy_ as densities
from vae_core.networks.model import Model
from vae_core.store.files import OUT, Arrays, explained, read_json, to_text, write_together
from vae_core.store.layout import is_there

FORMAT = 1


OUTPUTS = {"bernoulli": "sigmoid", "gaussian": "identity", "continuous-bernoulli": "continuous-bernoulli"}
"""Likelihood -> how a mean picture is made of f."""


def manifest(config: RunConfig, weights: Arrays) -> dict[str, Any]:
    """What a reader must know to run both networks: z (D) -> f(z) (C, H, W), and x (C, H, W) -> Q(z|X).

    The encoder gives μ (D), log σ² (D) and, for `posterior` "full", L below its diagonal, row by row (`gaussian.Q`).
    `sigma` is the Gaussian's: a number, or a list of C·H·W.
    """
    layers = network(config)
    described: dict[str, Any] = {
        "format": FORMAT,
        "run_id": config.run_id,
        "latent_dim": config.latent_dim,
        "image_shape": list(config.image_shape),
        "likelihood": config.likelihood,
        "is_log_likelihood": config.is_log_likelihood,
        "output": OUTPUTS[config.likelihood],
        "posterior": config.posterior,
        "decoder": layers.decoder,
        "encoder": layers.encoder,
    }
    if "likelihood.log_sigma" in weights:
        sigma = densities.sigma(Model(builders.design(config).without_encoder(), weights))
        assert sigma is not None
        described["sigma"] = sigma.ravel().tolist() if sigma.ndim else float(sigma)
    return described


def model_blob(config: RunConfig, weights: Arrays) -> bytes:
    """The networks in one safetensors byte string with the manifest in its metadata: what travels to the page.

    Weights that hold a decoder alone (a moment of training) give a manifest without an encoder.
    """
    described = manifest(config, weights)
    if not any(name.startswith("encoder.") for name in weights):
        described["encoder"] = []
    layers = described["decoder"] + described["encoder"]
    names = [layer[part] for layer in layers if "in" in layer for part in ("weight", "bias")]
    tensors = {name: np.asarray(weights[name], dtype=np.float32) for name in names}
    return blob(tensors, {"manifest": json.dumps(described)})


def blob(arrays: Arrays, metadata: dict[str, str] | None = None) -> bytes:
    """Named arrays as one safetensors byte string, as the page reads them."""
    return save({name: np.asarray(a, order="C") for name, a in arrays.items()}, metadata)


def export(config: RunConfig, weights: Arrays, folder: Path) -> list[Path]:
    """Write `manifest.json` and `weights.bin` (little-endian float32, at the manifest's offsets, in floats)."""
    described = manifest(config, weights)
    offsets: dict[str, dict[str, Any]] = {}
    raw, position = bytearray(), 0
    for name in sorted(weights):
        if name.startswith(("decoder.", "encoder.")):
            array = np.ascontiguousarray(weights[name], dtype="<f4")
            offsets[name] = {"offset": position, "shape": list(array.shape)}
            position += array.size
            raw += array.tobytes()
    paths = [folder / "manifest.json", folder / "weights.bin"]
    with explained(paths[0], OUT):
        folder.mkdir(parents=True, exist_ok=True)
    _refuse_what_is_not_ours(*paths)
    content = (to_text({**described, "tensors": offsets}, paths[0], indent=1) + "\n").encode()
    write_together({paths[1]: bytes(raw), paths[0]: content}, advice=OUT)
    return paths


def _refuse_what_is_not_ours(manifest: Path, weights: Path) -> None:
    """Raise `StoreError` where a file of one of these names is there that is no earlier export."""
    ours = False
    with contextlib.suppress(CorruptFileError, FileNotFoundError):
        ours = {"format", "run_id", "decoder", "tensors"} <= read_json(manifest).keys()
    if not ours and (found := [path for path in (manifest, weights) if is_there(path)]):
        raise StoreError(f"{found[0]}: not an export of Elbo Room; move it away or choose another folder with --out")
