"""What a model is like inside: rate, distortion, the parts of the KL, and what was found about each dimension."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, cast

import numpy as np

from vae_core import data
from vae_core.analysis import ppca
from vae_core.analysis.diagnostics import active_units, findings, kl_parts, rate_distortion
from vae_core.config import PER_PIXEL, RunConfig
from vae_core.config.errors import ConfigError
from vae_core.jobs.derived.codes import Codes, posterior
from vae_core.jobs.derived.thing import Result, Source, Tell, Thing
from vae_core.networks.likelihoods import LOG_SIGMA
from vae_core.networks.onnx_ import OnnxScorer
from vae_core.store import Store, models


@dataclass(frozen=True, kw_only=True)
class Diagnostics(Thing):
    """Facts over all test images."""

    kind: ClassVar[str] = "diagnostics"
    needs: ClassVar[tuple[str, ...]] = ("codes",)

    def compute(self, source: Source, tell: Tell) -> Result:
        """What the run is like inside, over all test images; facts alone.

        All in nats per image. `images`; `rate`, `distortion`, `elbo`, `kl_per_dim` (`RateDistortion`); `active_units`;
        `mutual_information` and its ceiling log N, `total_correlation`, `dimension_wise_kl` (D numbers) and
        `marginal_kl` (`KLParts`), each with `_stderr`; `findings`, one object a dimension (`Finding`); and `ppca`, for
        a linear VAE with one σ a comparison with the closed-form optimum (`_against_ppca`), else None.

        Where the codes are there, torch is not needed.
        """
        config, arrays = source.config, source.get(Codes()).arrays
        q = posterior(arrays)

        def report(done: int, total: int) -> None:
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
            "ppca": _against_ppca(source.store, config),
        }
        return Result({}, facts)


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
    model = models.load(store, config.run_id)
    sigma, scorer = float(np.exp(model.tensors[LOG_SIGMA].astype(np.float64))), OnnxScorer(model)
    facts = {"sigma": best.sigma, "run_sigma": sigma}
    for split, prefix in (("test", ""), ("train", "train_")):
        x = data.load_split(config.dataset, split).x
        pixels, elbo = x.reshape(len(x), -1), 0.0
        for start in range(0, len(x), ppca.IMAGES):
            rows = slice(start, start + ppca.IMAGES)
            q = scorer.encode_bytes(x[rows])
            decoder = (model.tensors["decoder.0.weight"], model.tensors["decoder.0.bias"])
            terms = ppca.expected_log_likelihood(pixels[rows], q, *decoder, sigma) - q.kl().sum(1)
            elbo += float(terms.sum()) / len(x)
        log_px = float(best.log_px(pixels).mean())
        facts |= {f"{prefix}log_px": log_px, f"{prefix}elbo": elbo, f"{prefix}gap": log_px - elbo}
    leading = spectrum.eigenvalues[: config.latent_dim]
    return {**facts, "surviving": int(ppca.surviving_dimensions(leading, sigma**2, config.beta).sum())}
