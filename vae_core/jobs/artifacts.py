"""What is derived from a finished run, by name: computed once, kept beside the run, served ever after.

- `codes`: for the test set, μ and log σ² (N, D), for a full covariance `lower`, and reconstruction (N,) in nats.
- `diagnostics`: rate, distortion, the parts of the KL, and what was found about each dimension, as facts.
- `log-px-<samples>`: log P(X) of the first test images by importance sampling, with its error.
- `tsne-<limit>-p<perplexity>-s<seed>`, `pca-<limit>`: a map (N, 2) of the first `limit` test codes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from vae_core import data
from vae_core.analysis import ppca, projection
from vae_core.analysis.diagnostics import active_units, findings, kl_parts, rate_distortion
from vae_core.config import PER_PIXEL, RunConfig
from vae_core.config.errors import ConfigError
from vae_core.networks.forward import NumpyScorer
from vae_core.networks.posterior.numpy_ import Q
from vae_core.store import Store, models
from vae_core.store.files import Arrays, read_arrays, write_arrays

if TYPE_CHECKING:
    from vae_core.networks.torch_ import VAE

Tell = Callable[[int, int, "NDArray[np.float32] | None"], None]
"""Steps done, steps in all, and what there is to see by then."""


EVALUATED = 20
"""Test images whose log P(X) is estimated together."""


@dataclass(frozen=True, kw_only=True)
class MapRequest:
    """Which map of the encoded means: the first `limit` test images, by t-SNE or PCA."""

    method: projection.Method = "tsne"
    limit: int = 5000
    perplexity: float = 30.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the fields."""
        if self.method not in ("tsne", "pca"):
            raise ConfigError(f"method={self.method!r}: choose one of tsne, pca")
        if not 10 <= self.limit <= 100_000:
            raise ConfigError(f"limit={self.limit}: give a number from 10 to 100000")
        if not 0 <= self.seed < 2**32:
            raise ConfigError(f"seed={self.seed}: give a number from 0 to {2**32 - 1}")

    @property
    def name(self) -> str:
        """The artifact's name."""
        suffix = f"-p{self.perplexity:g}-s{self.seed}" if self.method == "tsne" else ""
        return f"{self.method}-{self.limit}{suffix}"


@dataclass(frozen=True)
class Partial:
    """An artifact on its way: `done` of `total` steps in `seconds`, and the map so far."""

    done: int
    total: int
    seconds: float
    embedding: NDArray[np.float32] | None

    @property
    def eta_seconds(self) -> float:
        """Time left at the speed so far."""
        return self.seconds / self.done * (self.total - self.done) if self.done else 0.0


def codes(store: Store, run_id: str) -> Arrays:
    """The test set's codes and terms; computed when asked for the first time."""
    if (kept := store.artifact(run_id, "codes")) is not None:
        return kept[0]
    config = store.get(run_id).config
    from vae_core.networks.evaluate import per_image

    scored = per_image(load_model(store, run_id), data.test_images(config.dataset, config.binarize).x, seed=config.seed)
    arrays: Arrays = {
        "mu": scored.mu,
        "logvar": scored.logvar,
        "reconstruction": scored.reconstruction,
    }
    if scored.lower is not None:
        arrays["lower"] = scored.lower
    store.save_artifact(run_id, "codes", arrays)
    return arrays


def kl_per_dim(codes: Arrays) -> NDArray[np.float32]:
    """The KL of each image and dimension, (N, D) nats, from its codes (`Q.kl`)."""
    return Q(codes["mu"], codes["logvar"], codes.get("lower")).kl().astype(np.float32)


def diagnostics(store: Store, run_id: str, tell: Tell | None = None) -> dict[str, Any]:
    """What the run is like inside, over all test images; JSON. Computed when asked for the first time.

    All in nats per image. `images`; `rate`, `distortion`, `elbo` and `kl_per_dim` (`RateDistortion`); `active_units`;
    `mutual_information` and its ceiling log N, `total_correlation`, `dimension_wise_kl` (D numbers), `marginal_kl`
    (`KLParts`), each with `_stderr`; `findings`, one object a dimension (`Finding`); and `ppca`, for a linear VAE with
    one σ a comparison with the closed-form optimum (`_against_ppca`), else None.

    Where the codes are there, torch is not needed.
    """
    if (kept := store.artifact(run_id, "diagnostics")) is not None:
        return kept[1]
    config = store.get(run_id).config
    arrays = codes(store, run_id)
    q = Q(arrays["mu"], arrays["logvar"], arrays.get("lower"))

    def report(done: int, total: int) -> None:
        if tell is not None:
            tell(done, total, None)

    terms, parts = rate_distortion(q, arrays["reconstruction"]), kl_parts(q, seed=config.seed, tell=report)
    facts: dict[str, Any] = {
        "images": len(q.mu),
        **asdict(terms),
        "kl_per_dim": terms.kl_per_dim.tolist(),
        "active_units": active_units(q.mu),
        "mutual_information": parts.mutual_information,
        "mutual_information_stderr": parts.mutual_information_stderr,
        "mutual_information_ceiling": parts.ceiling,
        "total_correlation": parts.total_correlation,
        "total_correlation_stderr": parts.total_correlation_stderr,
        "dimension_wise_kl": parts.dimension_wise.tolist(),
        "dimension_wise_kl_stderr": parts.dimension_wise_stderr.tolist(),
        "marginal_kl": parts.marginal_kl,
        "marginal_kl_stderr": parts.mutual_information_stderr,  # the two add up to the rate, which is exact
        "findings": [asdict(finding) for finding in findings(q, parts.dimension_wise)],
        "ppca": _against_ppca(store, config),
    }
    store.save_artifact(run_id, "diagnostics", {}, facts)
    return facts


def _against_ppca(store: Store, config: RunConfig) -> dict[str, float] | None:
    """For a linear VAE with one σ: pPCA, fitted to the training images, and this run, its ELBO in closed form.

    `log_px`, `elbo` and `gap` = log_px − elbo are means over the test images, `train_…` the same over the training
    images, where the gap cannot be negative: pPCA is at its maximum there. `sigma` is that of pPCA (the run's own if
    that was given), `run_sigma` the run's. `surviving` is how many of the D dimensions have an eigenvalue above β·σ² of
    the run (`ppca.surviving_dimensions`). None for other runs, and where pPCA has no maximum.
    """
    if config.architecture != "mlp" or config.hidden or config.likelihood != "gaussian" or config.sigma == PER_PIXEL:
        return None
    spectrum = ppca.training_spectrum(config.dataset)
    try:
        best = ppca.fit(spectrum, config.latent_dim, cast("float | None", config.sigma))
    except ConfigError:
        return None
    weights = store.weights(config.run_id)
    sigma, scorer = float(np.exp(weights["likelihood.log_sigma"].astype(np.float64))), NumpyScorer(config, weights)
    facts = {"sigma": best.sigma, "run_sigma": sigma}
    for split, prefix in (("test", ""), ("train", "train_")):
        x = data.load_split(config.dataset, split).x
        pixels, elbo = x.reshape(len(x), -1), 0.0
        for start in range(0, len(x), ppca.ROWS):
            rows = slice(start, start + ppca.ROWS)
            q = scorer.encode(x[rows].astype(np.float32) / np.float32(255))
            decoder = (weights["decoder.0.weight"], weights["decoder.0.bias"])
            terms = ppca.expected_log_likelihood(pixels[rows], q, *decoder, sigma) - q.kl().sum(1)
            elbo += float(terms.sum()) / len(x)
        log_px = float(best.log_px(pixels).mean())
        facts |= {f"{prefix}log_px": log_px, f"{prefix}elbo": elbo, f"{prefix}gap": log_px - elbo}
    leading = spectrum.eigenvalues[: config.latent_dim]
    return {**facts, "surviving": int(ppca.surviving_dimensions(leading, sigma**2, config.beta).sum())}


def embedding(store: Store, run_id: str, request: MapRequest, tell: Tell | None = None) -> Arrays:
    """`embedding` (N, 2), `labels` (N,), `indices` (N,) in the test set; computed when asked for the first time."""
    if (kept := store.artifact(run_id, request.name)) is not None:
        return kept[0]
    labels = data.load_split(store.get(run_id).config.dataset, "test").labels[: request.limit]
    if request.method == "tsne":
        projection.check_perplexity(request.perplexity, len(labels))
    mu = codes(store, run_id)["mu"][: request.limit]
    if request.method == "pca":
        points = projection.pca(mu)
    else:
        points = projection.tsne(mu, perplexity=request.perplexity, seed=request.seed, report=tell)
    arrays: Arrays = {"embedding": points, "labels": labels, "indices": np.arange(len(points), dtype=np.int32)}
    store.save_artifact(run_id, request.name, arrays)
    return arrays


def load_model(store: Store, run_id: str) -> VAE:
    """The trained model, in evaluation mode. Raises `RunNotFoundError`, `CorruptFileError`."""
    from vae_core.networks.torch_ import VAE

    return VAE.of(models.load(store, run_id))


def log_px(store: Store, run_id: str, samples: int, limit: int, tell: Tell | None = None) -> Arrays:
    """`log_px`, `stderr`, `ess` (limit,) of the first test images from `samples` codes each, as `bounds.estimate` does.

    What was computed is kept as it grows, so that a call that was cut off is gone on with; what another proposal gave
    is computed anew.
    """
    from vae_core.analysis import bounds
    from vae_core.networks.torch_ import TorchScorer

    if not 1 <= samples <= 1_000_000 or limit < 1:
        raise ConfigError(f"samples={samples}, limit={limit}: give 1 to 1000000 samples and a positive limit")
    name = f"log-px-{samples}"
    kept = store.artifact(run_id, name)
    config = store.get(run_id).config
    facts = {"proposal": bounds.proposal_for(config.latent_dim, samples)}
    goes_on = kept is not None and kept[1].get("proposal") == facts["proposal"]
    arrays: Arrays = kept[0] if kept and goes_on else {key: np.zeros(0) for key in ("log_px", "stderr", "ess")}
    x = data.test_images(config.dataset, config.binarize).x[:limit]
    if len(arrays["log_px"]) < len(x):
        scorer = TorchScorer(load_model(store, run_id))
        saved = time.monotonic()
        # Always the same groups of images and seeds, so that the figures do not depend on where a call was cut off.
        for start in range(len(arrays["log_px"]), len(x), EVALUATED):
            batch = x[start : start + EVALUATED].astype(np.float32) / np.float32(255)
            found = bounds.estimate(scorer, batch, samples, np.random.default_rng(start))
            for key, values in (("log_px", found.log_px), ("stderr", found.stderr), ("ess", found.ess)):
                arrays[key] = np.concatenate([arrays[key], values])
            done = len(arrays["log_px"])
            if tell is not None:
                tell(done, len(x), None)
            if done == len(x) or time.monotonic() - saved > 5:
                whole = done - done % EVALUATED
                store.save_artifact(run_id, name, {key: array[:whole] for key, array in arrays.items()}, facts)
                saved = time.monotonic()
    return {key: array[: len(x)] for key, array in arrays.items()}


class PartialFile:
    """Where a map on its way is shown to other processes: replaced at most every `every` seconds."""

    def __init__(self, store: Store, run_id: str, name: str, every: float = 0.4) -> None:
        self.path = store.layout.partial(run_id, name)
        self.every, self.started, self.told = every, time.monotonic(), 0.0

    def tell(self, done: int, total: int, embedding: NDArray[np.float32] | None) -> None:
        """Write, if the last time is long enough ago."""
        now = time.monotonic()
        if now - self.told < self.every:
            return
        self.told = now
        self.path.parent.mkdir(parents=True, exist_ok=True)
        facts: dict[str, Any] = {"done": done, "total": total, "seconds": now - self.started}
        write_arrays(self.path, {} if embedding is None else {"embedding": embedding}, facts, durable=False)

    def read(self) -> Partial | None:
        """What was told last, or None."""
        try:
            file = read_arrays(self.path)
        except FileNotFoundError:
            return None
        points = cast("NDArray[np.float32] | None", file.arrays.get("embedding"))
        return Partial(file.meta["done"], file.meta["total"], file.meta["seconds"], points)

    def remove(self) -> None:
        """The map is complete, or given up."""
        self.path.unlink(missing_ok=True)
