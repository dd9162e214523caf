"""A model that stands on its own: two networks, P(X|z), the form of Q(z|X), the prior; not how it was trained.

`Design` is what it is made of, `Model` a design with its weights, where it came from and which data go with it. What
runs one: `torch_` (gradients), `onnx_` (the server, without torch), `page_` (the page). No torch here.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vae_core.config.errors import ModelError
from vae_core.networks import likelihoods, posterior
from vae_core.networks.graph import Graph, Shape
from vae_core.networks.likelihoods import LOG_SIGMA

if TYPE_CHECKING:
    from vae_core.networks.onnx_ import OnnxScorer

PRIOR = "standard-normal"
"""P(z) = N(0, I)."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """What a model is, but for its numbers. Raises `ModelError` where the parts do not fit together."""

    decoder: Graph
    """z (D), and what else is given -> f (C, H, W), one output: the parameters of P(X|z)."""
    encoder: Graph | None
    """x (C, H, W) in [0, 1], and what else is given -> the outputs that `posterior.outputs` names; None for a moment
    of training, of which the decoder alone is kept."""
    likelihood: str
    """A name in `likelihoods.FAMILIES`."""
    sigma_shape: Shape | None
    """Of log σ, () or (C, H, W); None where the family has none, and in a moment of training, which did not keep it."""
    posterior: str
    """A name in `posterior.FORMS`."""
    is_log_likelihood: bool
    """Whether log P(X|z) is the log of a probability or density of the model's data."""

    def __post_init__(self) -> None:
        """Check every part against the others."""
        if self.likelihood not in likelihoods.FAMILIES or self.posterior not in posterior.FORMS:
            raise ModelError(
                f"likelihood={self.likelihood!r}, posterior={self.posterior!r}: choose among "
                f"{', '.join(likelihoods.FAMILIES)} and {', '.join(posterior.FORMS)}"
            )
        z = next(iter(self.decoder.inputs.values()))
        if len(z) != 1 or len(self.decoder.outputs) != 1 or len(self.image_shape) != 3:
            raise ModelError(
                f"a decoder from {list(z)} to {[list(self.decoder.shapes[name]) for name in self.decoder.outputs]}: "
                "it takes a code (D) first and gives one picture (C, H, W)"
            )
        if self.sigma_shape is not None and not likelihoods.has_sigma(self.likelihood):
            raise ModelError(f"likelihood={self.likelihood!r} with a σ of shape {self.sigma_shape}: it has none")
        if self.sigma_shape not in (None, (), self.image_shape):
            raise ModelError(f"σ has shape {self.sigma_shape}: it is one number, or one for each of {self.image_shape}")
        graphs = {"decoder": self.decoder}
        if self.encoder is not None:
            graphs["encoder"] = self.encoder
            x = next(iter(self.encoder.inputs.values()))
            given = {name: self.encoder.shapes[name] for name in self.encoder.outputs}
            needed = {name: (size,) for name, size in posterior.outputs(self.posterior, self.latent_dim).items()}
            if x != self.image_shape or given != needed:
                raise ModelError(f"an encoder from {x} to {given}: here it takes {self.image_shape} and gives {needed}")
        for prefix, graph in graphs.items():
            for name in graph.initializers:
                if not name.startswith(f"{prefix}."):
                    raise ModelError(f"the {prefix}'s tensor is called {name!r}: its name begins with {prefix}.")

    @property
    def latent_dim(self) -> int:
        """D."""
        return next(iter(self.decoder.inputs.values()))[0]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)"""
        shape: Any = self.decoder.shapes[self.decoder.outputs[0]]
        return shape

    @property
    def pixels(self) -> int:
        """C·H·W."""
        return math.prod(self.image_shape)

    @cached_property
    def tensors(self) -> dict[str, Shape]:
        """Name -> shape of all that has to be known to run it, the encoder's first."""
        own = {} if self.encoder is None else dict(self.encoder.initializers)
        own |= self.decoder.initializers
        return own if self.sigma_shape is None else {**own, LOG_SIGMA: self.sigma_shape}

    def without_encoder(self) -> Design:
        """The decoder and P(X|z) alone."""
        return replace(self, encoder=None)

    def moment(self) -> Design:
        """What a snapshot keeps: the decoder, without σ."""
        return replace(self, encoder=None, sigma_shape=None)

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "decoder": self.decoder.to_dict(),
            "encoder": None if self.encoder is None else self.encoder.to_dict(),
            "likelihood": self.likelihood,
            "sigma_shape": None if self.sigma_shape is None else list(self.sigma_shape),
            "is_log_likelihood": self.is_log_likelihood,
            "posterior": self.posterior,
            "prior": PRIOR,
        }


@dataclass(frozen=True)
class Origin:
    """Where a model came from, and what it was made for: beside the model, no part of it."""

    run_id: str | None = None
    """The run that trained it."""
    moment: int | None = None
    """The snapshot of that run; None for what it ended with."""
    dataset: str | None = None
    """The data set that goes with it."""
    binarize: str = "none"
    """What was done to its pixels."""


@dataclass(frozen=True, eq=False)
class Model:
    """A design with its weights. Raises `ModelError` where a tensor is missing or has another shape."""

    design: Design
    tensors: Mapping[str, NDArray[Any]]
    """Name -> weights, of the shapes of `Design.tensors`; float16 in a moment of training, else float32."""
    origin: Origin = Origin()

    def __post_init__(self) -> None:
        """Check the tensors against the design."""
        for name, shape in self.design.tensors.items():
            if name not in self.tensors:
                raise ModelError(f"the weights lack {name}; this model has {', '.join(self.design.tensors)}")
            array = self.tensors[name]
            if array.shape != shape or array.dtype.kind != "f":
                raise ModelError(
                    f"the tensor {name} is {array.dtype} of shape {list(array.shape)}; "
                    f"this model needs floats of shape {list(shape)}"
                )

    @property
    def latent_dim(self) -> int:
        """D."""
        return self.design.latent_dim

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)"""
        return self.design.image_shape

    @property
    def is_log_likelihood(self) -> bool:
        """Whether log P(X|z) is the log of a probability or density of the model's data."""
        return self.design.is_log_likelihood

    @cached_property
    def key(self) -> str:
        """SHA-256 of all that decides what it computes: equal models have equal keys, whatever they are called.

        Over the canonical JSON of the design, then name, type and bytes of every tensor in the design's order.
        """
        text = json.dumps(self.design.to_dict(), sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(text.encode())
        for name in self.design.tensors:
            array = np.ascontiguousarray(self.tensors[name])
            little = array.astype(array.dtype.newbyteorder("<"), copy=False)
            digest.update(f"\n{name} {little.dtype.str}\n".encode())
            digest.update(little.tobytes())
        return digest.hexdigest()

    @cached_property
    def scorer(self) -> OnnxScorer:
        """What computes with it, without torch; onnxruntime is imported at the first call."""
        from vae_core.networks.onnx_ import OnnxScorer

        return OnnxScorer(self)

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """What the networks read, in single precision: without log σ."""
        return {n: np.asarray(self.tensors[n], np.float32) for n in self.design.tensors if n != LOG_SIGMA}

    def without_encoder(self) -> Model:
        """The decoder and P(X|z) alone."""
        design = self.design.without_encoder()
        return Model(design, {name: self.tensors[name] for name in design.tensors}, self.origin)
