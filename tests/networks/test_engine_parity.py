"""The network in the page (`app/components/frontend/net/engine.js`) against torch, in a real browser, as it is sent.

`test_readers.py` holds every operator of the same engine to the other readers, without a browser.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser

from tests.browser.fixtures import page_of_modules
from tests.networks.readers import FAMILIES
from vae_core.config import PER_PIXEL, POSTERIORS, RunConfig
from vae_core.data import load_split
from vae_core.networks.evaluate import to_unit
from vae_core.store.export import model_blob
from vae_core.training.loop import untrained

pytestmark = pytest.mark.browser

CLOSE = {"rtol": 1e-4, "atol": 1e-4}


IN_PAGE = """
async ({ blob, zs, xs }) => {
  const { parseSafetensors } = await import("/net/safetensors.js");
  const { compile } = await import("/net/engine.js");
  const { gaussianKL } = await import("/net/posterior.js");
  const bytes = Uint8Array.from(atob(blob), (c) => c.charCodeAt(0));
  const { metadata, tensors } = parseSafetensors(bytes);
  try {
    const net = compile(JSON.parse(metadata.manifest), tensors);
    const batch = [...net.decodeBatch(Float32Array.from(zs.flat()))];
    const pictures = zs.map((z) => [...net.decode(Float32Array.from(z))]);
    const parameters = zs.map((z) => [...net.parameters(Float32Array.from(z))]);
    const codes = (net.encode ? xs : []).map((x) => {
      const { mu, logvar, lower } = net.encode(Float32Array.from(x));
      return { mu: [...mu], logvar: [...logvar], lower: lower && [...lower], kl: gaussianKL(mu, logvar, lower) };
    });
    const nats = zs.map((z, n) => net.distortion(Float32Array.from(z), xs[n]));
    return { batch, pictures, parameters, codes, nats, isLogLikelihood: net.isLogLikelihood };
  } catch (error) {
    return { error: error.message };
  }
}
"""


@pytest.fixture(scope="module")
def in_page(chromium: Browser) -> Iterator[Any]:
    page = page_of_modules(chromium)

    def run(blob: bytes, zs: Any = (), xs: Any = ()) -> Any:
        return page.evaluate(IN_PAGE, {"blob": base64.b64encode(blob).decode(), "zs": zs, "xs": xs})

    yield run
    page.close()


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("dataset", ["mnist", "digits"])
@pytest.mark.parametrize("architecture", ["mlp", "conv", "burgess"])
def test_page_computes_what_the_model_computes(architecture: str, dataset: str, likelihood: str, in_page: Any) -> None:
    agree(RunConfig(dataset=dataset, architecture=architecture, latent_dim=5, likelihood=likelihood), in_page)


@pytest.mark.parametrize("posterior", POSTERIORS)
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: "-".join(map(str, family.values())))
def test_every_likelihood_with_every_posterior(family: dict[str, Any], posterior: str, in_page: Any) -> None:
    agree(RunConfig(dataset="digits", hidden=(20,), latent_dim=4, posterior=posterior, **family), in_page)


def agree(config: RunConfig, in_page: Any) -> None:
    """Every figure of the page for this configuration against the model's."""
    generator = torch.Generator().manual_seed(11)
    model = untrained(config, generator)
    with torch.inference_mode():
        for parameter in model.parameters():
            parameter.mul_(2.0)  # fresh weights paint grey; these paint something
        if config.sigma == PER_PIXEL:  # the smallest are below what the density allows
            model.likelihood.log_sigma.copy_(torch.linspace(-6, 1, config.pixels).view(config.image_shape))
        zs = torch.randn(4, config.latent_dim, generator=generator)  # (N, D)
        grey = load_split(config.dataset, "test").x[:4].copy()
        xs = to_unit(torch.from_numpy(grey)).view(4, *config.image_shape)
        f, q, mean = model.decode(zs), model.encode(xs), model.pictures(zs)
        nats, kl = -model.likelihood.log_prob(xs, f), q.kl().sum(1)
    assert mean.std() > 0.05
    result = in_page(model_blob(model.model()), zs.tolist(), xs.flatten(1).tolist())

    torch.testing.assert_close(torch.tensor(result["parameters"]), f.flatten(1), **CLOSE)
    torch.testing.assert_close(torch.tensor(result["pictures"]), mean.flatten(1), **CLOSE)
    torch.testing.assert_close(torch.tensor(result["batch"]).view_as(mean), mean, **CLOSE)
    torch.testing.assert_close(torch.tensor([code["mu"] for code in result["codes"]]), q.mu, **CLOSE)
    torch.testing.assert_close(torch.tensor([code["logvar"] for code in result["codes"]]), q.logvar, **CLOSE)
    torch.testing.assert_close(torch.tensor([code["kl"] for code in result["codes"]]), kl, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(torch.tensor(result["nats"]), nats, rtol=1e-4, atol=1e-3)
    assert result["isLogLikelihood"] == model.design.is_log_likelihood
    if q.lower is None:
        assert result["codes"][0]["lower"] is None
    else:
        row, column = torch.tril_indices(config.latent_dim, config.latent_dim, -1)
        lower = torch.tensor([code["lower"] for code in result["codes"]])
        torch.testing.assert_close(lower, q.lower[:, row, column], **CLOSE)
        assert lower.abs().max() > 0.05
