"""Training in the page, step by step: its mathematics against torch, its numbers, its link."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Locator, Page, expect

from app import link
from app.lab import steps
from tests.browser.fixtures import Server, page_of_modules
from tests.browser.test_browser import Visit, at_rest, button, eventually, in_url, slider, wait_for_url
from vae_core.data import load_split
from vae_core.networks.evaluate import to_unit
from vae_core.networks.torch_ import VAE
from vae_core.training.loop import untrained

CONFIG = steps.CONFIG
B = CONFIG.batch_size
SIZES = {"P": CONFIG.pixels, "H": CONFIG.hidden[0], "D": CONFIG.latent_dim}

Step = dict[str, Any]


@pytest.fixture(scope="module")
def in_page(chromium: Browser) -> Iterator[Any]:
    """`in_page(body, **arguments)` runs JavaScript that sees the engine's names, `images` and the arguments."""
    page = page_of_modules(chromium)
    page.evaluate(
        """async (images) => {
          globalThis.engine = { ...(await import("/net/trainer.js")), ...(await import("/kit/random.js")) };
          globalThis.images = Uint8Array.from(images);
        }""",
        load_split(CONFIG.dataset, "train").x.flatten().tolist(),
    )

    def run(body: str, **arguments: Any) -> Any:
        given = {"sizes": SIZES, "B": B, "rate": CONFIG.learning_rate, **arguments}
        names = ", ".join(given)
        return page.evaluate(f"({{ {names} }}) => {{ Object.assign(globalThis, engine); {body} }}", given)

    yield run
    page.close()


def model_of(weights: dict[str, list[float]]) -> VAE:
    """The library's network with the page's weights."""
    model = untrained(CONFIG)
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    model.load_state_dict({name: torch.tensor(weights[name]).view(shape) for name, shape in shapes.items()})
    return model


def torch_step(
    model: VAE, optimizer: torch.optim.Optimizer, x: torch.Tensor, epsilon: torch.Tensor, beta: float
) -> Step:
    """One step of the library; what it computed on the way."""
    q = model.encode(x)
    z = q.sample(epsilon)
    reconstruction, kl = model.likelihood.log_prob(x, model.decode(z)), q.kl().sum(1)
    (pull,) = torch.autograd.grad(reconstruction.sum(), z, retain_graph=True)
    (kl_pull,) = torch.autograd.grad(kl.sum(), q.mu, retain_graph=True)
    optimizer.zero_grad()
    (beta * kl - reconstruction).mean().backward()
    optimizer.step()
    return {
        "reconstruction": reconstruction.detach(), "kl": kl.detach(), "pull": pull, "kl_pull": kl_pull,
        "mu": q.mu.detach(), "sigma": torch.exp(0.5 * q.logvar).detach(), "z": z.detach(),
    }  # fmt: skip


def images(indices: list[int]) -> torch.Tensor:
    return to_unit(torch.from_numpy(load_split(CONFIG.dataset, "train").x[indices].copy()))


@pytest.mark.browser
def test_three_steps_are_those_of_torch(in_page: Any) -> None:
    generator = torch.Generator().manual_seed(5)
    model = untrained(CONFIG, generator)
    batches = [torch.randint(0, 1500, (B,), generator=generator).tolist() for _ in range(3)]
    epsilon, beta = torch.randn(3, B, 2, generator=generator), 2.5
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)  # fresh weights hardly pull at anything
    weights = {name: tensor.flatten().tolist() for name, tensor in model.state_dict().items()}
    found = in_page(
        """const net = new TrainerNet({ ...sizes, weights });
        const pass = trainerPass(B, sizes.P, sizes.H, sizes.D);
        const said = [];
        xs.forEach((x, n) => {
          pass.x.set(x);
          pass.epsilon.set(epsilon[n]);
          net.forward(pass);
          net.backward(pass, beta);
          const copy = (name) => Array.from(pass[name]);
          said.push({ reconstruction: copy("reconstruction"), kl: copy("kl"), pull: copy("pull"), mu: copy("mu") });
          net.learn(rate, B);
        });
        const learned = Object.fromEntries(Object.entries(net.weights).map(([k, v]) => [k, Array.from(v)]));
        return { said, weights: learned };""",
        weights=weights,
        xs=[images(batch).flatten().tolist() for batch in batches],
        epsilon=epsilon.flatten(1).tolist(),
        beta=beta,
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=CONFIG.learning_rate)
    for batch, noise, said in zip(batches, epsilon, found["said"], strict=True):
        expected = torch_step(model, optimizer, images(batch), noise, beta)
        assert expected["pull"].norm(dim=1).mean() > 0.3
        # The page draws −β·μ as the pull of the KL.
        for name, here in (("reconstruction", "reconstruction"), ("kl", "kl"), ("pull", "pull"), ("kl_pull", "mu")):
            there = expected[name]
            torch.testing.assert_close(torch.tensor(said[here]).view_as(there), there, rtol=1e-4, atol=1e-5)
    for name, tensor in model.state_dict().items():
        moved = (tensor.flatten() - torch.tensor(weights[name])).abs().max()
        assert moved > CONFIG.learning_rate, "nothing was learned"
        torch.testing.assert_close(torch.tensor(found["weights"][name]), tensor.flatten(), rtol=1e-4, atol=1e-5)


@pytest.mark.browser
def test_noise_is_standard_normal_and_an_epoch_shows_no_image_twice(in_page: Any) -> None:
    found = in_page(
        """const course = new TrainerCourse({ images, ...sizes, B, rate, seed: 0, normals });
        const noise = Array.from({ length: 6000 }, (_, n) => course.random("epsilon", n)());
        const orders = Array.from({ length: 46 }, (_, step) => Array.from(course.indices(step)));
        return { noise, orders, other: Array.from(course.indices(0)) };"""
    )
    noise = np.array(found["noise"])
    four_sigma = 4 / np.sqrt(len(noise))
    assert abs(noise.mean()) < four_sigma
    assert abs(noise.var() - 1) < np.sqrt(2) * four_sigma
    assert abs(np.mean(noise[1:] * noise[:-1])) < four_sigma, "images that are neighbours must not share their noise"
    first, second = found["orders"][:23], found["orders"][23:]
    assert len({index for batch in first for index in batch}) == 23 * B
    assert first != second
    assert found["other"] == first[0]


def number(target: Locator) -> float:
    return float((target.text_content() or "").replace("−", "-"))


def shown(page: Page) -> dict[str, float]:
    names = ("reconstruction", "kl", "elbo", "objective", "one-reconstruction", "one-kl", "mu1", "mu2", "sigma1", "z2")
    return {name: number(page.get_by_test_id(name)) for name in names}


def open_steps(page: Page, step: int) -> Page:
    page.locator('[data-state="ready"]').wait_for()
    expect(page.get_by_test_id("step")).to_have_text(str(step))
    return at_rest(page)


def plane(page: Page) -> str:
    """What is drawn of the codes."""
    return page.locator("canvas.pick").evaluate("canvas => canvas.toDataURL()")


@pytest.mark.browser
def test_numbers_are_what_torch_finds_after_as_many_steps(server: Server, visit: Visit, in_page: Any) -> None:
    image, count, course = 17, 20, [[0, 1], [10, 4]]
    plan = in_page(
        """const course = new TrainerCourse({ images, ...sizes, B, rate, seed: 2, normals });
        const single = trainerPass(1, sizes.P, sizes.H, sizes.D);
        const weights = Object.fromEntries(Object.entries(course.net.weights).map(([k, v]) => [k, Array.from(v)]));
        const batches = [], epsilon = [];
        for (; course.step < count; course.step++) {
          course.prepare();
          batches.push(Array.from(course.batch));
          epsilon.push(Array.from(course.pass.epsilon));
        }
        course.prepare();
        course.run(single, [image]);
        return { weights, batches: [...batches, Array.from(course.batch)], one: Array.from(single.epsilon),
          epsilon: [...epsilon, Array.from(course.pass.epsilon)] };""",
        count=count,
        image=image,
    )
    model = model_of(plan["weights"])
    optimizer = torch.optim.Adam(model.parameters(), lr=CONFIG.learning_rate)
    for step in range(count):
        noise = torch.tensor(plan["epsilon"][step]).view(B, 2)
        torch_step(model, optimizer, images(plan["batches"][step]), noise, 1 if step < 10 else 4)
    last = model_of({name: tensor.tolist() for name, tensor in model.state_dict().items()})  # does not move on
    still = torch.optim.SGD(last.parameters(), lr=0)
    noise = torch.tensor(plan["epsilon"][count]).view(B, 2)
    batch = torch_step(last, still, images(plan["batches"][count]), noise, 4)
    one = torch_step(last, still, images([image]), torch.tensor([plan["one"]]), 4)
    reconstruction, kl = batch["reconstruction"].mean().item(), batch["kl"].mean().item()
    expected = {
        "reconstruction": reconstruction, "kl": kl, "elbo": reconstruction - kl, "objective": reconstruction - 4 * kl,
        "one-reconstruction": one["reconstruction"].item(), "one-kl": one["kl"].item(),
        "mu1": one["mu"][0, 0].item(), "mu2": one["mu"][0, 1].item(), "sigma1": one["sigma"][0, 0].item(),
        "z2": one["z"][0, 1].item(),
    }  # fmt: skip

    address = server.url("steps", seed=2, step=count, image=image, beta=link.course_text(course))
    page = open_steps(visit(address), count)
    found = shown(page)
    for name in ("reconstruction", "objective"):  # what gives way so that the terms add up
        assert found.pop(name) == pytest.approx(expected.pop(name), abs=0.0201)
    assert found == pytest.approx(expected, abs=0.0051)

    before, picture = shown(page), plane(page)
    page.locator("h3").first.click()
    page.keyboard.press("s")
    open_steps(page, count + 1)
    assert shown(page) != before
    assert plane(page) != picture
    wait_for_url(page, step=str(count + 1), trial="2", example=str(image), course="1,10:4")


@pytest.mark.browser
def test_dragging_beta_moves_the_codes_and_a_link_brings_them_back(server: Server, visit: Visit) -> None:
    page = open_steps(visit(server.url("steps", step=150, beta="0.1")), 150)
    wide, picture = shown(page), plane(page)
    assert wide["kl"] > 1
    slider(page, "β").fill(str(steps.BETAS.index(8)))
    expected = pytest.approx(wide["reconstruction"] - 8 * wide["kl"], abs=0.051)
    eventually(lambda: number(page.get_by_test_id("objective")) == expected, page, "β weighs the KL")
    button(page, "100").click()
    page.locator("h3").first.click()
    page.keyboard.press("Space")
    slider(page, "β").press("ArrowLeft")  # let go while it trains, which must not take it back
    slider(page, "β").press("ArrowRight")
    page.wait_for_timeout(500)
    eventually(lambda: number(page.get_by_test_id("step")) > 230, page, "80 steps")
    button(page, "Pause").click()
    at = int(number(page.get_by_test_id("step")))
    wait_for_url(page, step=str(at))
    course = steps.path(link.course(in_url(page, "course") or ""))
    assert (course[0], course[1][0], course[-1][1]) == ((0, 0.1), 150, 8)
    narrow = shown(page)
    assert narrow["kl"] < 0.5 * wide["kl"]
    assert plane(page) != picture
    assert shown(open_steps(visit(page.url), at)) == narrow


@pytest.mark.browser
def test_a_step_can_be_walked_through_stage_by_stage(server: Server, visit: Visit) -> None:
    page = open_steps(visit(server.url("steps")), 0)
    said = []
    for stage in range(6):
        before = page.get_by_test_id("sentence").inner_text()
        button(page, "One stage").click()
        expect(page.get_by_test_id("step")).to_have_text("1" if stage == 5 else "0")
        expect(page.get_by_test_id("sentence")).not_to_have_text(before)  # it is painted in the next frame
        said.append(page.get_by_test_id("sentence").inner_text())
        expect(page.get_by_test_id("elbo")).to_be_visible(visible=stage >= 3)
    assert len(set(said)) == 6
    page.get_by_role("button", name="Follow training image").nth(4).click()
    expect(page.get_by_test_id("step")).to_have_text("1")
    wait_for_url(page, step="1")
    # The step may have been told before the image was picked.
    eventually(lambda: in_url(page, "example") not in (None, str(steps.IMAGE)), page, "another image in the address")


@pytest.mark.parametrize("text", ["", "x", "3", "1,", "1,0:4", "4:1", "1,20:4,10:1", "1,9999:4", "nan", "1,-3:2"])
def test_a_course_of_beta_that_cannot_be_is_one(text: str) -> None:
    assert steps.path(link.course(text)) == [(0, 1)]


def test_a_course_of_beta_travels_in_a_link() -> None:
    course = [(0, 0.25), (120, 8), (121, 0)]
    assert link.course_text(course) == "0.25,120:8,121:0"
    assert steps.path(link.course("0.25,120:8,121:0")) == course
