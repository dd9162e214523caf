"""What is shown of a model or a data set, worked out once for all visitors: bytes for the page, and facts."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app import session
from app.components.blobs import blobs
from app.facts.kept import kept
from vae_core import data
from vae_core.analysis import alignment, diagnostics, ppca, projection
from vae_core.config.events import Losses
from vae_core.jobs import derived
from vae_core.jobs.derived.codes import Codes, kl_per_dim
from vae_core.jobs.derived.diagnostics import Diagnostics
from vae_core.jobs.derived.log_px import LogPx
from vae_core.jobs.derived.maps import MapRequest
from vae_core.networks.model import Model
from vae_core.networks.onnx_ import OnnxScorer
from vae_core.networks.posterior.numpy_ import Q, aggregate_density
from vae_core.store import RunInfo, export, models
from vae_core.store.files import Arrays

ACTIVE_KL = 0.01
"""A dimension whose KL is below this many nats carries nothing; Explore folds it away."""


@kept
def model(run_id: str, version: str) -> Model:
    """A run's model, verified once. Raises `RunNotFoundError`, `CorruptFileError`."""
    return models.load(session.store(), run_id)


def scorer(run_id: str, version: str) -> OnnxScorer:
    """Q(z|X), log P(X|z) and pictures of a run's model."""
    return model(run_id, version).scorer


def model_blob(run_id: str, version: str) -> str:
    """Address of the networks that run in the page. Raises `RunNotFoundError`, `CorruptFileError`."""
    return blobs.made(
        f"model {version}",
        lambda: export.model_blob(model(run_id, version)),
    )


def moment_blob(run_id: str, version: str, index: int) -> str:
    """Address of the decoder as it was at a snapshot; it has no encoder."""
    return blobs.made(
        f"moment {version} {index}",
        lambda: export.model_blob(models.load_moment(session.store(), run_id, index)),
    )


def images_blob(dataset: str, binarize: str) -> tuple[str, NDArray[np.int32]]:
    """Ten test images of each label to start from: address, and their indices in the test set."""
    indices = _start(dataset)

    def make() -> bytes:
        test = data.test_images(dataset, binarize)
        return export.blob({"images": test.x[indices], "labels": test.labels[indices], "indices": indices})

    return blobs.made(f"start {dataset} {binarize}", make), indices


@kept
def _start(dataset: str) -> NDArray[np.int32]:
    labels = data.load_split(dataset, "test").labels
    return np.concatenate([np.flatnonzero(labels == label)[:10] for label in np.unique(labels)]).astype(np.int32)


def test_blob(dataset: str, binarize: str, limit: int) -> str:
    """Address of the first `limit` test images, for the map's cards."""

    def make() -> bytes:
        test = data.test_images(dataset, binarize)
        indices = np.arange(min(limit, len(test.x)), dtype=np.int32)
        return export.blob({"images": test.x[indices], "labels": test.labels[indices], "indices": indices})

    return blobs.made(f"test {dataset} {binarize} {limit}", make)


def labels_blob(dataset: str) -> str:
    """Address of the labels of all test images."""
    return blobs.made(f"labels {dataset}", lambda: export.blob({"labels": data.load_split(dataset, "test").labels}))


def training_blob(dataset: str) -> tuple[str, int]:
    """All training images, `images` (N, C, H, W) and `labels` (N,), for a page that trains: address, N."""
    train = data.load_split(dataset, "train")
    make = lambda: export.blob({"images": train.x, "labels": train.labels})  # noqa: E731
    return blobs.made(f"train {dataset}", make), len(train.x)


def decoder_blob(run_id: str, version: str) -> str:
    """Address of the network that makes pictures of codes, half of `model_blob`."""
    return blobs.made(
        f"decoder {version}",
        lambda: export.model_blob(model(run_id, version).without_encoder()),
    )


ENCODED_SHOWN = 1000


def encoded_blob(run_id: str, version: str, dims: tuple[int, int]) -> str:
    """Address of where a model encodes test images: `start` (M, D), the means of those in `images_blob`; and in two
    dimensions `means` (N, 2), those of the first images, with their `labels` (N,). Worked out when it is asked for.
    """

    def make() -> bytes:
        config = session.store().get(run_id).config
        test = data.test_images(config.dataset, config.binarize)
        start = scorer(run_id, version).encode_bytes(test.x[_start(config.dataset)]).mu
        means = scorer(run_id, version).encode_bytes(test.x[:ENCODED_SHOWN]).mu
        return export.blob({"start": start, "means": means[:, list(dims)], "labels": test.labels[:ENCODED_SHOWN]})

    return blobs.promise(f"encoded {version} {dims[0]} {dims[1]}", make)


def reconstructions_blob(run_id: str, version: str) -> str:
    """Address of what a model makes of one test image of each label: `images` and `reconstructions` (N, C, H, W), the
    latter decoded from the mean of Q(z|X). Worked out when it is asked for.
    """

    def make() -> bytes:
        config = session.store().get(run_id).config
        test = data.test_images(config.dataset, config.binarize)
        x = test.x[[int(np.argmax(test.labels == label)) for label in np.unique(test.labels)]]
        mu = scorer(run_id, version).encode_bytes(x).mu
        return export.blob({"images": x, "reconstructions": scorer(run_id, version).pictures(mu)})

    return blobs.promise(f"reconstructions {version}", make)


def eigenvalues_blob(dataset: str) -> str:
    """Address of the ten largest eigenvalues of the training images' covariance, `values`. They take seconds: worked
    out when they are asked for.
    """
    return blobs.promise(
        f"eigenvalues {dataset}",
        lambda: export.blob({"values": ppca.data_eigenvalues(dataset)[:10].astype(np.float32)}),
    )


def codes(run: RunInfo) -> Arrays | None:
    """The test set's codes if they are there, with `kl` (N, D). Asks for nothing: a page that needs them does."""
    stamp = derived.stamp(session.store(), run, Codes())
    return None if stamp is None else _codes(run.run_id, session.version(run), stamp)


def embedding(run: RunInfo, request: MapRequest) -> NDArray[np.float32] | None:
    """A map's points (N, 2), if it is there."""
    stamp = derived.stamp(session.store(), run, request)
    return None if stamp is None else _embedding(run.run_id, session.version(run), request, stamp)


@kept
def _embedding(run_id: str, version: str, request: MapRequest, stamp: derived.Stamp) -> NDArray[np.float32] | None:
    found = derived.peek(session.store(), session.store().get(run_id), request)
    return None if found is None else found.arrays["embedding"]


def shared_neighbours(run: RunInfo, one: MapRequest, other: MapRequest) -> tuple[float, float, float] | None:
    """The shares of nearest neighbours in common (`projection.shared_neighbours`): of two maps of the same images, of
    the one and the codes, of the other and the codes. None until all of them are there.
    """
    found, points, others = codes(run), embedding(run, one), embedding(run, other)
    if found is None or points is None or others is None:
        return None
    of = (run.run_id, session.version(run))
    first, second = _near(*of, one, points), _near(*of, other, others)
    z = _near(*of, one.limit, found["mu"][: one.limit])
    share = projection.shared_neighbours
    return share(first, second), share(first, z), share(second, z)


@kept
def _near(run_id: str, version: str, of: MapRequest | int, _points: Any) -> NDArray[np.int32]:
    """Nearest neighbours on a map, or in z among so many images."""
    return projection.neighbours(_points)


def kept_diagnostics(run: RunInfo) -> dict[str, Any]:
    """What was found out about the model (`derived.diagnostics`); empty until it has been."""
    found = derived.peek(session.store(), run, Diagnostics())
    return {} if found is None else found.facts


@kept
def _codes(run_id: str, version: str, stamp: derived.Stamp) -> Arrays | None:
    found = derived.peek(session.store(), session.store().get(run_id), Codes())
    return None if found is None else {**found.arrays, "kl": kl_per_dim(found.arrays)}


def findings(run: RunInfo) -> list[diagnostics.Finding] | None:
    """What is to be said of each latent dimension; None until its codes are there."""
    found = codes(run)
    return None if found is None else _findings(run.run_id, session.version(run), found)


@kept
def _findings(run_id: str, version: str, _codes: Arrays) -> list[diagnostics.Finding]:
    q = Q(_codes["mu"], _codes["logvar"], _codes.get("lower"))
    # The marginal KL takes seconds; no sentence speaks of it.
    return diagnostics.findings(q, np.full(q.mu.shape[1], np.nan))


def matches(a: RunInfo, b: RunInfo) -> list[alignment.Match] | None:
    """Which dimension of b goes with which of a, two models of the same data; None until both have their codes."""
    means = [found["mu"] for run in (a, b) if (found := codes(run)) is not None]
    return _matches((a.run_id, session.version(a)), (b.run_id, session.version(b)), *means) if len(means) == 2 else None


@kept
def _matches(a: tuple[str, str], b: tuple[str, str], _mu: Any, _other: Any) -> list[alignment.Match]:
    return alignment.align(_mu, _other)


def log_px(run: RunInfo) -> tuple[float, int, int] | None:
    """The mean log P(X) estimated with the most codes an image, how many codes, and for how many images."""
    names = [name for name in session.store().artifact_names(run.run_id) if name.startswith("log-px-")]
    counts = sorted((int(text) for name in names if (text := name.removeprefix("log-px-")).isdigit()), reverse=True)
    for samples in counts:
        found = derived.Source(session.store(), run).file(LogPx(samples=samples))
        if found is not None and len(found.arrays["log_px"]):
            return float(found.arrays["log_px"].mean()), samples, len(found.arrays["log_px"])
    return None


def means_blob(run: RunInfo) -> str | None:
    """For D = 2, the address of where the first 2,000 test images are encoded."""
    found = codes(run) if run.config.latent_dim == 2 else None
    if found is None:
        return None
    labels = data.load_split(run.config.dataset, "test").labels[:2000]
    return blobs.offer(export.blob({"means": found["mu"][:2000], "labels": labels}))


@dataclass(frozen=True)
class Aggregate:
    """Where the models of a sweep put the test images, for the page; see `aggregate`."""

    blob: str
    """Address of `density` (M, B, A) of Q(z), `means` and `sigma` (M, N, 2) of the first images, `labels` (N,)."""
    reach: list[float]
    """Of each model, how far from 0 its density is given along z2; along z1 it is `AGGREGATE_WIDE` times as far."""


AGGREGATE_WIDE = 2.0
AGGREGATE_SHOWN = 2000
"""Images whose own codes are shown; the density is that of all."""


def aggregate(runs: Sequence[RunInfo]) -> Aggregate | None:
    """Q(z) of models with two latent dimensions and a diagonal Q, of the same data; None until all have codes."""
    stamps = [derived.stamp(session.store(), run, Codes()) for run in runs if codes(run) is not None]
    if len(stamps) < len(runs):
        return None
    names = tuple((run.run_id, session.version(run), stamp) for run, stamp in zip(runs, stamps, strict=True))
    body, reach = _aggregate(names, runs[0].config.dataset)
    return Aggregate(blobs.offer(body), reach)


@kept
def _aggregate(runs: tuple[tuple[str, str, derived.Stamp | None], ...], dataset: str) -> tuple[bytes, list[float]]:
    density, reach, means, sigma = [], [], [], []
    for run_id, version, stamp in runs:
        found = None if stamp is None else _codes(run_id, version, stamp)
        assert found is not None
        mu, spread = found["mu"], np.exp(0.5 * found["logvar"])
        far = max(3.6, 1.15 * float(np.quantile(np.abs(mu), 0.995)))
        z2 = _cells(far, 160)
        # Rows from the top of the picture down.
        density.append(aggregate_density(Q(mu, found["logvar"]), _cells(AGGREGATE_WIDE * far, 320), z2)[::-1])
        reach.append(far)
        means.append(mu[:AGGREGATE_SHOWN])
        sigma.append(spread[:AGGREGATE_SHOWN])
    arrays = {
        "density": np.stack(density).astype(np.float16),
        "means": np.stack(means).astype(np.float32),
        "sigma": np.stack(sigma).astype(np.float32),
        "labels": data.load_split(dataset, "test").labels[:AGGREGATE_SHOWN],
    }
    return export.blob(arrays), reach


def _cells(far: float, count: int) -> NDArray[np.float64]:
    """The middles of `count` cells that fill −far … far."""
    return far * ((2 * np.arange(count) + 1) / count - 1)


def decoded(run: RunInfo, z: NDArray[Any]) -> NDArray[np.uint8]:
    """Mean pictures of a few codes (N, D): (N, C, H, W) uint8."""
    return scorer(run.run_id, session.version(run)).pictures(z)


@kept
def portrait(run_id: str, version: str) -> tuple[str, list[float], float]:
    """What a list shows of a model: five prior samples side by side, as a data URI; its held-out ELBO while it was
    trained, nats per image, without the first tenth, which would make a line of all that follows; its size in MB.
    """
    run = session.store().get(run_id)
    x = decoded(run, np.random.default_rng(4).standard_normal((5, run.config.latent_dim)))
    strip = np.concatenate(list(x.transpose(0, 2, 3, 1)), axis=1)
    buffer = io.BytesIO()
    Image.fromarray(strip[:, :, 0] if strip.shape[2] == 1 else strip).save(buffer, "PNG")
    uri = f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"
    events, _ = session.store().events(run_id)
    curve = [round(event.held_out.elbo, 2) for event in events if isinstance(event, Losses)]
    return uri, curve[len(curve) // 10 :], session.store().size(run_id) / 1e6
