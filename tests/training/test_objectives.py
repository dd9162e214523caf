"""Every objective against its formula, written out here with torch.distributions, and against cases that are known."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from tests.conftest import tiny
from vae_core import data
from vae_core.config import RunConfig
from vae_core.config.catalogue import OBJECTIVES, PARAMETERS
from vae_core.config.errors import ConfigError
from vae_core.networks.posterior.torch_ import Posterior
from vae_core.training import objectives
from vae_core.training.loop import Training, untrained
from vae_core.training.objectives import (
    Found,
    Step,
    beta_at,
    build,
    covariance_of_codes,
    kl_parts,
    mmd,
    shuffled_dimensions,
)

IMAGES = 1500


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def posterior(batch: int = 12, d: int = 3, *, full: bool = False, seed: int = 0) -> Posterior:
    """What a random encoder might say."""
    g = generator(seed)
    mu, logvar = 1.5 * torch.randn(batch, d, generator=g), torch.randn(batch, d, generator=g) - 1
    lower = torch.randn(batch, d, d, generator=g).tril(-1) if full else None
    return Posterior(mu, logvar, lower)


def written_out(q: Posterior) -> MultivariateNormal:
    tril = torch.diag_embed(torch.exp(q.logvar / 2))
    return MultivariateNormal(q.mu, scale_tril=tril if q.lower is None else tril + q.lower)


@dataclass(frozen=True, kw_only=True)
class Case(Step):
    """A step and the configuration of its objective."""

    config: RunConfig


def step_for(objective: str, *, full: bool = False, epoch: float = 0.0, **parameters: Any) -> Case:
    settings = {"beta": parameters.pop("beta")} if "beta" in parameters else {}
    config = tiny(
        objective=objective,
        latent_dim=3,
        posterior="full" if full else "diagonal",
        binarize="threshold",
        parameters=parameters,
        **settings,
    )
    model = untrained(config, generator(1))
    with torch.no_grad():  # a fresh network's codes hardly differ between images
        for weight in model.encoder.parameters():
            weight.mul_(4)
    x = (torch.rand(10, 1, 8, 8, generator=generator(2)) < 0.3).float()
    return Case(model, x, epoch, IMAGES, generator(3), config=config)


def evaluated(step: Case) -> Found:
    return build(step.config, generator(4))(step)


def terms(step: Step) -> tuple[Posterior, Tensor, Tensor, Tensor]:
    """Q, z, log P(X|z) and the KL of the step's own noise, by torch.distributions."""
    q = step.model.encode(step.x)
    z = q.sample(torch.randn(q.mu.shape, generator=generator(3)))
    p = torch.distributions.Bernoulli(logits=step.model.decode(z))
    prior = MultivariateNormal(torch.zeros(3), torch.eye(3))
    return q, z, p.log_prob(step.x).sum((1, 2, 3)), kl_divergence(written_out(q), prior)


# -- Q(z|X)


@pytest.mark.parametrize("full", [False, True])
def test_kl_and_density_of_q_are_those_of_torch_distributions(full: bool) -> None:
    q = posterior(full=full)
    peer = written_out(q)
    prior = MultivariateNormal(torch.zeros(3), torch.eye(3))
    torch.testing.assert_close(q.kl().sum(1), kl_divergence(peer, prior), rtol=1e-4, atol=1e-5)
    epsilon = torch.randn(7, 12, 3, generator=generator(5))
    z = q.sample(epsilon)
    torch.testing.assert_close(z, peer.loc + torch.einsum("bij,kbj->kbi", peer.scale_tril, epsilon))
    torch.testing.assert_close(q.log_prob(z), peer.log_prob(z), rtol=1e-4, atol=1e-4)


def test_samples_of_a_full_covariance_have_it() -> None:
    q = posterior(batch=1, full=True)
    z = q.sample(torch.randn(200_000, 1, 3, generator=generator()))[:, 0]
    expected = written_out(q).covariance_matrix[0]
    torch.testing.assert_close(torch.cov(z.T), expected, rtol=0, atol=0.02 * float(expected.abs().max()))


# -- terms and weights


@pytest.mark.parametrize(
    ("epoch", "beta"), [(0.0, 0.0), (0.5, 1.0), (1.0, 2.0), (1.75, 3.5), (2.0, 4.0), (2.5, 4.0), (9.0, 4.0)]
)
def test_beta_rises_linearly_and_stays(epoch: float, beta: float) -> None:
    assert beta_at(tiny(beta=4.0, warmup_epochs=2.0), epoch) == pytest.approx(beta)


def test_without_a_warm_up_beta_is_there_at_once() -> None:
    assert beta_at(tiny(beta=4.0), 0.0) == 4.0


@pytest.mark.parametrize("cycles", range(1, 41))
def test_each_cycle_begins_at_zero_however_the_fractions_round(cycles: int) -> None:
    # MNIST's 469 steps an epoch: for six cycles the first step of the fourth was taken at the full weight.
    config = tiny(beta=4.0, epochs=10, warmup_cycles=cycles)
    betas = [beta_at(config, step / 469) for step in range(4690)]
    # Counted in whole numbers: the place of each step in its cycle, in units of 1/cycles of a step.
    expected = [4 * min(1.0, step * cycles % 4690 / 2345) for step in range(4690)]
    assert betas == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("epoch", "beta"), [(0, 0.0), (1, 2.0), (2, 4.0), (4.5, 4.0), (5, 0.0), (6, 2.0), (9.9, 4.0)])
def test_a_cyclical_warm_up_starts_again(epoch: float, beta: float) -> None:
    assert beta_at(tiny(beta=4.0, epochs=10, warmup_epochs=2.0, warmup_cycles=2), epoch) == pytest.approx(beta)


def test_a_cycle_without_a_length_rises_over_its_first_half() -> None:
    config = tiny(beta=1.0, epochs=8, warmup_cycles=2)
    assert [beta_at(config, e) for e in (0.0, 1.0, 2.0, 3.0, 4.0)] == pytest.approx([0.0, 0.5, 1.0, 1.0, 0.0])


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_elbo(beta: float, full: bool) -> None:
    step = step_for("elbo", full=full, beta=beta)
    _, _, reconstruction, kl = terms(step)
    value = evaluated(step)
    torch.testing.assert_close(value.reconstruction, reconstruction, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(value.objective, (reconstruction - beta * kl).mean(), rtol=1e-4, atol=1e-4)


def test_the_path_gradient_is_that_of_the_elbo_on_average() -> None:
    def means(gradient: str) -> dict[str, tuple[Tensor, Tensor]]:
        step = step_for("elbo", beta=2.0, gradient=gradient)
        found: dict[str, list[Tensor]] = {}
        for seed in range(400):
            step.model.zero_grad()
            build(step.config, generator(4))(
                Step(step.model, step.x, 0.0, IMAGES, generator(seed))
            ).surrogate.backward()
            for name, weight in step.model.named_parameters():
                assert weight.grad is not None
                found.setdefault(name, []).append(weight.grad.clone())
        return {n: (torch.stack(v).mean(0), torch.stack(v).std(0) / 20) for n, v in found.items()}

    total, path = means("total"), means("path")
    for name, (mean, error) in total.items():
        other, its_error = path[name]
        squared = (mean - other).square().sum() / (error.square() + its_error.square()).sum()
        assert squared < 4, f"{name} is {squared.sqrt():.1f} standard errors away"


def test_free_bits_count_a_dimension_from_lambda_upwards() -> None:
    q, _, reconstruction, _ = terms(step_for("free-bits"))
    per_dim = kl_divergence(Normal(q.mu, torch.exp(q.logvar / 2)), Normal(0.0, 1.0)).mean(0).tolist()
    free = sorted(per_dim)[1] + 1e-3  # two dimensions below, one above
    step = step_for("free-bits", free_bits=free)
    expected = reconstruction.mean() - sum(k if k > free else free for k in per_dim)
    torch.testing.assert_close(evaluated(step).objective, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("epoch", "target"), [(0.0, 0.0), (1.0, 4.0), (5.0, 20.0), (7.0, 20.0)])
def test_capacity_holds_the_kl_at_a_target_that_grows(epoch: float, target: float) -> None:
    step = step_for("capacity", epoch=epoch, capacity=20.0, capacity_epochs=5.0, capacity_weight=30.0)
    _, _, reconstruction, kl = terms(step)
    expected = reconstruction.mean() - 30 * (kl.mean() - target).abs()
    torch.testing.assert_close(evaluated(step).objective, expected, rtol=1e-4, atol=1e-3)


def written_out_parts(q: Posterior, z: Tensor, sampling: str) -> tuple[Tensor, Tensor, Tensor]:
    """Chen et al. (2018), one image and one code at a time, appendix C's weights."""
    size, d = z.shape
    peers, covariance = written_out(q), written_out(q).covariance_matrix
    joint, by_dimension = torch.zeros(size, size), torch.zeros(size, size, d)
    for j in range(size):
        one = MultivariateNormal(q.mu[j], scale_tril=peers.scale_tril[j])
        for i in range(size):
            joint[i, j] = one.log_prob(z[i])
            by_dimension[i, j] = Normal(q.mu[j], covariance[j].diagonal().sqrt()).log_prob(z[i])
    weights = torch.full((size, size), 1 / (IMAGES * size))
    if sampling == "mss":
        others = size - 1
        for i in range(size):
            for j in range(size):
                weights[i, j] = 1 / others
            weights[i, i] = 1 / IMAGES
            weights[i, (i + 1) % size] = (IMAGES - others) / (IMAGES * others)
    log_q = (joint.exp() * weights).sum(1).log()
    log_product = (by_dimension.exp() * weights[:, :, None]).sum(1).log().sum(1)
    log_prior = Normal(0.0, 1.0).log_prob(z).sum(1)
    return joint.diagonal() - log_q, log_q - log_product, log_product - log_prior


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("sampling", ["mss", "mws"])
def test_beta_tcvae(sampling: str, full: bool) -> None:
    step = step_for("beta-tcvae", full=full, sampling=sampling, tc_weight=6.0, mi_weight=0.5, dimension_weight=2.0)
    q, z, reconstruction, _ = terms(step)
    parts = written_out_parts(q, z, sampling)
    for ours, theirs in zip(kl_parts(q, z, IMAGES, sampling), parts, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    expected = (reconstruction - 0.5 * parts[0] - 6 * parts[1] - 2 * parts[2]).mean()
    torch.testing.assert_close(evaluated(step).objective, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("sampling", ["mss", "mws"])
def test_the_three_parts_of_the_kl_add_up_to_it(sampling: str) -> None:
    q = posterior(batch=40)
    epsilon = torch.randn(q.mu.shape, generator=generator())
    z = q.sample(epsilon)
    total = sum(kl_parts(q, z, 40, sampling))
    torch.testing.assert_close(total, q.log_prob(z) - objectives.log_prior(z), rtol=1e-4, atol=1e-4)


def test_stratified_weights_add_up_to_one_and_are_exact_for_the_whole_set() -> None:
    for size, images in ((2, 7), (5, 100), (64, 1500), (12, 12)):
        weights = objectives._batch_weights(size, images, "mss")
        assert (weights > 0).all()
        torch.testing.assert_close(weights.sum(1), torch.ones(size), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("sampling", ["mss", "mws"])
@pytest.mark.parametrize("full", [False, True])
def test_parts_of_a_batch_give_the_numbers_of_the_whole(
    full: bool, sampling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def worked_out() -> list[Tensor]:
        q = posterior(batch=23, full=full)
        q.mu.requires_grad_()
        z = q.sample(torch.randn(23, 3, generator=generator()))
        parts = kl_parts(q, z, IMAGES, sampling)
        (gradient,) = torch.autograd.grad((parts[0] + 6 * parts[1] + 2 * parts[2]).sum(), q.mu)
        return [*parts, gradient]

    whole = worked_out()
    monkeypatch.setattr(objectives, "PAIRS", 5 * 23 * 3)  # five codes at a time, three in the last part
    for ours, theirs in zip(worked_out(), whole, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_a_large_batch_is_never_held_as_a_table_of_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    sound = objectives._log_normal
    monkeypatch.setattr(objectives, "_log_normal", lambda z, q: (held.append((z - q.mu).numel()), sound(z, q))[1])
    monkeypatch.setattr(objectives, "PAIRS", 1 << 14)
    q = posterior(batch=400)
    kl_parts(q, q.mu, IMAGES, "mss")
    assert max(held) <= 1 << 14
    assert sum(held) == 400 * 400 * 3


NEEDS_TWO = [name for name, entry in OBJECTIVES.items() if entry.least_batch > 1]


def test_what_is_undefined_for_one_image_is_refused_not_replaced() -> None:
    assert NEEDS_TWO == ["beta-tcvae", "dip-vae-i", "dip-vae-ii", "info-vae"]
    for name in NEEDS_TWO:
        step = step_for(name)
        with pytest.raises(ConfigError, match="a batch of one image"):
            evaluated(replace(step, x=step.x[:1]))


def test_independent_dimensions_have_no_total_correlation() -> None:
    # Means on a grid: Q(z) is the product of its marginals.
    axis = torch.tensor([-2.0, -0.5, 1.0, 2.5])
    mu = torch.cartesian_prod(axis, axis).repeat(40, 1)
    q = Posterior(mu, torch.full_like(mu, math.log(0.04)))
    z = q.sample(torch.randn(mu.shape, generator=generator()))
    information, correlation, _ = kl_parts(q, z, len(mu), "mws")
    # `mws` with the whole set as the batch is Σₙ Q(z|xₙ)/N² : its constant log N is the same in joint and marginals.
    constant = math.log(len(mu))
    assert correlation.mean().item() - (2 - 1) * constant == pytest.approx(0, abs=0.02)
    # Sixteen places that can be told apart.
    assert information.mean().item() - constant == pytest.approx(math.log(16), abs=0.05)


def test_factor_vae() -> None:
    step = step_for("factor-vae", tc_weight=8.0, discriminator_units=16, discriminator_layers=2)
    objective = build(step.config, generator(4))
    assert isinstance(objective, objectives.FactorVAE)
    value = objective(step)
    _, z, reconstruction, kl = terms(step)
    probability = torch.softmax(objective.discriminator(z), 1)[:, 0]
    expected = (reconstruction - kl - 8 * (probability / (1 - probability)).log()).mean()
    torch.testing.assert_close(value.objective, expected, rtol=1e-4, atol=1e-4)
    real, shuffled = posterior().mu, posterior(seed=1).mu
    loss = -0.5 * (
        torch.softmax(objective.discriminator(real), 1)[:, 0].log().mean()
        + (1 - torch.softmax(objective.discriminator(shuffled), 1)[:, 0]).log().mean()
    )
    torch.testing.assert_close(objective.discriminator_loss(real, shuffled), loss, rtol=1e-4, atol=1e-6)


def test_the_discriminator_learns_and_leaves_the_model_alone() -> None:
    step = step_for("factor-vae", discriminator_rate=1e-3, discriminator_units=32)
    objective = build(step.config, generator(4))
    assert isinstance(objective, objectives.FactorVAE)
    z = torch.randn(512, 1, generator=generator())
    tied = z + 0.1 * torch.randn(512, 3, generator=generator(1))  # its total correlation is large
    mixed = shuffled_dimensions(tied, generator(2))
    before = {name: weight.clone() for name, weight in step.model.named_parameters()}
    first = objective.discriminator_loss(tied, mixed).item()
    for _ in range(150):
        objective._seen = tied, mixed
        objective.learn()
    assert first > 0.6 > 0.35 > objective.discriminator_loss(tied, mixed).item()
    assert objective.total_correlation(tied).mean() > 1 > objective.total_correlation(mixed).mean()
    assert all(torch.equal(before[name], weight) for name, weight in step.model.named_parameters())


def test_shuffling_keeps_each_dimension_and_breaks_the_rest() -> None:
    z = torch.arange(3000.0).reshape(1000, 3)
    mixed = shuffled_dimensions(z, generator())
    assert torch.equal(mixed.sort(0).values, z)
    assert abs(torch.corrcoef(mixed.T)[0, 1]) < 0.15


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("name", ["dip-vae-i", "dip-vae-ii"])
def test_dip_vae(name: str, full: bool) -> None:
    step = step_for(name, full=full, lambda_od=3.0, lambda_d=7.0)
    q, _, reconstruction, kl = terms(step)
    covariance = torch.cov(q.mu.T, correction=0)
    if name == "dip-vae-ii":
        covariance = covariance + written_out(q).covariance_matrix.mean(0)
    torch.testing.assert_close(covariance_of_codes(q, noise=name == "dip-vae-ii"), covariance, rtol=1e-4, atol=1e-5)
    penalty = sum(
        7.0 * (covariance[i, i] - 1) ** 2 if i == j else 3.0 * covariance[i, j] ** 2 for i in range(3) for j in range(3)
    )
    torch.testing.assert_close(evaluated(step).objective, (reconstruction - kl).mean() - penalty, rtol=1e-4, atol=1e-4)


def test_info_vae_and_its_mmd() -> None:
    step = step_for("info-vae", alpha=0.3, mmd_lambda=50.0)
    _, z, reconstruction, kl = terms(step)
    g = generator(3)
    torch.randn(z.shape, generator=g)  # the step's ε
    prior = torch.randn(z.shape, generator=g)

    def kernel(a: Tensor, b: Tensor) -> float:
        return math.exp(-(a - b).detach().square().sum().item() / (2 * 3))

    size = len(z)
    pairs = [(i, j) for i in range(size) for j in range(size)]
    within = [sum(kernel(s[i], s[j]) for i, j in pairs if i != j) / (size * (size - 1)) for s in (z, prior)]
    across = sum(kernel(z[i], prior[j]) for i, j in pairs) / size**2
    discrepancy = sum(within) - 2 * across
    assert mmd(z, prior).item() == pytest.approx(discrepancy, rel=1e-4)
    expected = (reconstruction - 0.7 * kl).mean().item() - (0.3 + 50 - 1) * discrepancy
    assert evaluated(step).objective.item() == pytest.approx(expected, rel=1e-4)


def test_mmd_is_zero_on_average_for_equal_distributions_and_not_for_others() -> None:
    draws = [mmd(*torch.randn(2, 200, 2, generator=generator(s))).item() for s in range(40)]
    assert abs(sum(draws) / 40) < 4 * torch.tensor(draws).std().item() / math.sqrt(40)
    assert mmd(torch.randn(200, 2, generator=generator()), 1 + torch.randn(200, 2, generator=generator(1))).item() > 0.1


def test_the_autoencoder_has_neither_noise_nor_kl() -> None:
    step = step_for("autoencoder")
    mean = step.model.encode(step.x).mu
    expected = torch.distributions.Bernoulli(logits=step.model.decode(mean)).log_prob(step.x).sum((1, 2, 3))
    torch.testing.assert_close(evaluated(step).objective, expected.mean(), rtol=1e-4, atol=1e-4)
    other = replace(step, generator=generator(99))
    assert evaluated(other).objective == evaluated(step).objective


# -- importance-weighted


@pytest.mark.parametrize("name", ["iwae", "dreg"])
@pytest.mark.parametrize("backward", ["all", "one"])
@pytest.mark.parametrize(("full", "beta"), [(False, 1.0), (True, 1.0), (False, 0.4)])
def test_importance_weighted_bound(name: str, backward: str, full: bool, beta: float) -> None:
    step = step_for(name, full=full, beta=beta, samples=7, backward=backward)
    q = step.model.encode(step.x)
    z = q.sample(torch.randn(7, *q.mu.shape, generator=generator(3)))
    peer = written_out(q)
    log_w = torch.stack(
        [
            torch.distributions.Bernoulli(logits=step.model.decode(one)).log_prob(step.x).sum((1, 2, 3))
            + beta * (Normal(0.0, 1.0).log_prob(one).sum(1) - peer.log_prob(one))
            for one in z
        ]
    )
    expected = log_w.double().exp().mean(0).log().mean()
    assert evaluated(step).objective.item() == pytest.approx(expected.item(), rel=1e-5)


def gradients(
    name: str, backward: str, draws: int, weights: dict[str, Any] | None = None, beta: float = 1.0
) -> dict[str, Any]:
    """Mean and standard error of each weight's gradient over many draws."""
    step = step_for(name, beta=beta, samples=5, backward=backward)
    if weights:
        step.model.load_state_dict(weights)
    objective = build(step.config, generator(4))
    found: dict[str, list[Tensor]] = {}
    for seed in range(draws):
        step.model.zero_grad()
        objective(Step(step.model, step.x, 0.0, IMAGES, generator(seed))).surrogate.backward()
        for weight_name, weight in step.model.named_parameters():
            assert weight.grad is not None
            found.setdefault(weight_name, []).append(weight.grad.clone())
    stacked = {weight_name: torch.stack(values) for weight_name, values in found.items()}
    return {n: (v.mean(0), v.std(0) / math.sqrt(draws)) for n, v in stacked.items()}


@pytest.fixture(scope="module")
def iwae_gradients() -> dict[float, dict[str, tuple[Tensor, Tensor]]]:
    return {beta: gradients("iwae", "all", 400, beta=beta) for beta in (1.0, 0.4)}


@pytest.mark.parametrize(("name", "backward"), [("iwae", "one"), ("dreg", "all"), ("dreg", "one")])
@pytest.mark.parametrize("beta", [1.0, 0.4])
def test_other_gradients_of_the_bound_are_right_on_average(
    name: str, backward: str, beta: float, iwae_gradients: dict[float, dict[str, tuple[Tensor, Tensor]]]
) -> None:
    for weight, (mean, error) in gradients(name, backward, 400, beta=beta).items():
        reference, its_error = iwae_gradients[beta][weight]
        squared = (mean - reference).square().sum() / (error.square() + its_error.square()).sum()
        assert squared < 4, f"{weight} is {squared.sqrt():.1f} standard errors away"


def test_dreg_is_less_noisy_for_an_encoder_that_knows_something() -> None:
    # Where Q is near the posterior the weights are alike, and IWAE's encoder gradient is mostly noise.
    training = Training(tiny(latent_dim=3, binarize="threshold", epochs=10), data.load("digits", "threshold"))
    list(training.events())
    weights = training.model.state_dict()
    noise = [{n: e.norm() for n, (_, e) in gradients(name, "all", 100, weights).items()} for name in ("iwae", "dreg")]
    ratios = {n: (noise[1][n] / noise[0][n]).item() for n in noise[0]}
    assert max(ratio for n, ratio in ratios.items() if n.startswith("encoder")) < 0.8, ratios
    assert [ratio for n, ratio in ratios.items() if n.startswith("decoder")] == pytest.approx([1.0] * 4, rel=1e-3)


def test_the_number_of_samples_grows_geometrically() -> None:
    objective = build(tiny(objective="iwae", parameters={"samples": 50, "start_samples": 1}), generator())
    assert isinstance(objective, objectives.ImportanceWeighted)
    assert [objective.samples_at(f) for f in (0.0, 0.5, 1.0)] == [1, 7, 50]
    constant = build(tiny(objective="iwae", parameters={"samples": 8}), generator())
    assert isinstance(constant, objectives.ImportanceWeighted)
    assert constant.samples_at(0.0) == 8


# -- the registry


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_each_entry_says_what_a_person_needs(name: str) -> None:
    entry = OBJECTIVES[name]
    assert entry.name == name
    assert entry.help.endswith(".")
    assert "\n" not in entry.help
    assert entry.paper
    assert entry.formula
    for parameter in entry.parameters:
        assert parameter.help.endswith((".", ")."))
        if parameter.choices:
            assert parameter.default in parameter.choices
        else:
            assert parameter.low <= float(parameter.default) <= parameter.high


def test_a_parameter_means_the_same_in_every_objective() -> None:
    for name, owners in PARAMETERS.items():
        kinds = {(p.integer, p.choices) for owner in owners for p in OBJECTIVES[owner].parameters if p.name == name}
        assert len(kinds) == 1, name
