"""train(config, dataset) -> events. No disk, no clock in what is computed, no print.

Stochastic gradient ascent on the objective with Adam (Kingma & Ba 2015) and the reparameterisation trick.

Every random number comes from a generator seeded by (seed, purpose, step), so a run's state is its weights, Adam's
moments and the step: a run that goes on from a checkpoint ends with the same bits as one that was never interrupted.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vae_core.config import RunConfig
from vae_core.config.catalogue import OBJECTIVES
from vae_core.config.errors import ConfigError, TooLargeError
from vae_core.config.events import Diverged, Event, Finished, Frame, Losses, Progress, Snapshot, Started, Terms
from vae_core.config.words import nats
from vae_core.data import Dataset, binarized
from vae_core.networks.builders import design
from vae_core.networks.evaluate import per_image, to_bytes, to_unit
from vae_core.networks.torch_ import VAE
from vae_core.training import threads
from vae_core.training.objectives import Step, beta_at, build

CURVE_POINTS = 100
"""About how many points the loss curves get."""
SNAPSHOTS = 20
"""About how many moments can be gone back to; denser at the start, where more happens."""
HELD_OUT = 500
"""Test images that are scored at every point of the curves; no gradient sees them, and all that rests on them is which
weights are left of a run that diverges."""
JUDGED = 128
"""Training images by which a run's end is compared with its beginning."""
LOST = 0.5
"""A run that has lost this much of what its best weights had gained over the untrained ones has diverged …"""
SLACK = 0.1
"""… and this much of the untrained objective besides, and a nat: where nothing was gained, noise is no divergence."""
PROGRESS_SECONDS = 0.1
FRAME_SECONDS, FRAME_SHARE = 0.4, 0.02
"""A frame comes no sooner than so many seconds after the last, and takes no more than this share of the time."""
SAME_DIMS = 0.8
"""Frames go on showing two dimensions that carry at least so much of what the two most active ones do."""
LAST_RATE = 0.02
"""Fraction of the learning rate that is left at the end of the half cosine."""
SHOWN_IMAGES, SHOWN_SAMPLES, SHOWN_MEANS, PLANE = 16, 32, 1000, 15
"""Sizes of a snapshot: reconstructions, prior samples, encoded means, and the side of the decoded plane."""
PLANE_EXTENT = 3.0
"""The plane and the strips show z from −3 to 3."""

State = tuple[dict[str, NDArray[Any]], dict[str, Any]]


def train(config: RunConfig, dataset: Dataset, state: State | None = None) -> Iterator[Event]:
    """Train from the start, or from a `Training.state()`: the events of the run, `Finished` last.

    A run whose objective is no longer a finite number, or at its end is worse than where it began, says `Diverged`,
    goes back to its best weights and finishes with those; only one that never had any ends without `Finished`.

    Raises `ConfigError` for what cannot be trained as it says, `TooLargeError` when the memory does not suffice.
    """
    return Training(config, dataset, state).events()


class Training:
    """One run in memory. Between two events it stands still; `weights()`, `stop()` and, when `settled`, `state()`
    may be called.
    """

    def __init__(self, config: RunConfig, dataset: Dataset, state: State | None = None) -> None:
        if state is None:  # what version 0.1 began is gone on with as it began
            config.trainable()
        self.config, self.dataset = config, dataset
        self.threads = threads.allowed()
        """Always the same number: a convolution's float32 gradients are added up in an order that depends on it."""
        self.model = self._first_model()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=config.learning_rate, fused=True)
        self.objective = build(config, seeded(config.seed, "objective", 0))
        self.x = torch.from_numpy(dataset.train.x.reshape(len(dataset.train.x), -1).copy())  # (N, C·H·W) uint8
        self.steps_per_epoch = math.ceil(len(self.x) / config.batch_size)
        least = OBJECTIVES[config.objective].least_batch
        if len(self.x) < least:
            raise ConfigError(f"{len(self.x)} training images with objective={config.objective!r}: it needs {least}")
        # An image that would be alone in the last batch joins the one before, where the objective needs two.
        if 0 < len(self.x) % config.batch_size < least <= config.batch_size:
            self.steps_per_epoch -= 1
        self.steps = self.steps_per_epoch * config.epochs
        self.step = 0
        self.seconds = 0.0
        self.stopping = False
        self.diverged = False
        self.settled = True
        """Whether the step has said all it has to say: only then is `state()` a moment to go on from."""
        self.resumed = state is not None
        # Objective, reconstruction, then KL per dimension, since the last point.
        self.sums = torch.zeros(2 + config.latent_dim)
        self.count = 0
        # What of them had been told before: a Progress tells of the steps since the last one.
        self._told, self._told_count = torch.zeros_like(self.sums), 0
        self._frame: int | None = None
        self._dims = np.arange(min(2, config.latent_dim), dtype=np.int32)  # which a frame shows
        self._kl = [0.0] * config.latent_dim  # of the held-out images at the last point
        self._good: dict[str, torch.Tensor] | None = None
        self._best = -math.inf
        """The held-out score of `_good`, the best of all points so far."""
        self._mark = time.perf_counter()
        if state is not None:
            self._restore(state)

    @property
    def precision(self) -> str:
        """Of the products in a step: `bfloat16` where the processor multiplies it faster, else `float32`."""
        return "bfloat16" if _fast_bf16() else "float32"

    def _first_model(self) -> VAE:
        """The model as the run begins with it."""
        model = untrained(self.config, seeded(self.config.seed, "weights", 0))
        model.start_from_mean(torch.from_numpy(self.dataset.train.x.mean(0, dtype=np.float64) / 255).float())
        return model

    # -- what is kept

    def weights(self) -> dict[str, NDArray[Any]]:
        """The model's weights by name; after `Diverged`, those of its best moment."""
        return {name: tensor.detach().numpy().copy() for name, tensor in self.model.state_dict().items()}

    def state(self) -> State:
        """Arrays and facts from which `Training(config, dataset, state)` goes on as if never interrupted."""
        arrays = {f"model/{name}": array for name, array in self.weights().items()}
        arrays |= {f"objective/{n}": t.detach().numpy().copy() for n, t in self.objective.state_dict().items()}
        for prefix, module, optimizer in self._optimizers():
            for name, parameter in module.named_parameters():
                for key, value in optimizer.state.get(parameter, {}).items():
                    arrays[f"{prefix}/{name}/{key}"] = value.detach().numpy().copy()
        arrays |= {f"good/{name}": tensor.numpy().copy() for name, tensor in (self._good or {}).items()}
        arrays["sums"] = self.sums.numpy().copy()
        facts = {"step": self.step, "seconds": self.seconds, "count": self.count, "threads": self.threads}
        return arrays, facts | ({"best": self._best} if self._good else {})

    def _restore(self, state: State) -> None:
        arrays, meta = state
        self.model.load_state_dict(_under("model/", arrays))
        self._good = _under("good/", arrays) or None
        self.objective.load_state_dict(_under("objective/", arrays))
        for prefix, module, optimizer in self._optimizers():
            for name, parameter in module.named_parameters():
                moments = {
                    key: torch.from_numpy(arrays[f"{prefix}/{name}/{key}"].copy())
                    for key in ("step", "exp_avg", "exp_avg_sq")
                    if f"{prefix}/{name}/{key}" in arrays
                }
                if moments:
                    optimizer.state[parameter] = moments
        self.sums = torch.from_numpy(arrays["sums"].copy())
        self.step, self.seconds, self.count = int(meta["step"]), float(meta["seconds"]), int(meta["count"])
        self._told, self._told_count = self.sums.clone(), self.count
        self.threads = int(meta.get("threads", self.threads))
        self._best = float(meta.get("best", -math.inf))

    def _optimizers(self) -> list[tuple[str, torch.nn.Module, torch.optim.Optimizer]]:
        own = self.objective.optimizer
        return [("adam", self.model, self.optimizer), *([("rival", self.objective, own)] if own else [])]

    def stop(self) -> None:
        """End after the current event: what was learned is scored and kept."""
        self.stopping = True

    # -- the run

    def events(self) -> Generator[Event]:
        """The run, a step at a time."""
        try:
            with threads.set_to(self.threads):
                yield from self._events()
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "allocate" not in str(error):
                raise
            raise TooLargeError(
                f"batch_size={self.config.batch_size} with objective={self.config.objective!r}, "
                f"latent_dim={self.config.latent_dim}: a step needs more memory than there is; take a smaller batch"
            ) from error

    def _events(self) -> Generator[Event]:
        points, moments = self._points(), self._moments()
        low_precision = self.precision == "bfloat16"
        if not self.resumed:
            self.settled = False
            yield Started(
                steps=self.steps,
                steps_per_epoch=self.steps_per_epoch,
                parameters=sum(p.numel() for p in self.model.parameters()),
                precision=self.precision,
                threads=self.threads,
            )
            first = self._snapshot(0)
            self.settled = True
            yield first
        speed, frames = _Speed(self.step), _Frames()
        order: torch.Tensor | None = None
        self._mark = time.perf_counter()
        while self.step < self.steps and not self.stopping:
            position = self.step % self.steps_per_epoch
            if order is None or position == 0:
                epoch = self.step // self.steps_per_epoch
                order = torch.randperm(len(self.x), generator=seeded(self.config.seed, "order", epoch))
            end = (position + 1) * self.config.batch_size if position + 1 < self.steps_per_epoch else None
            self._gradient_step(order[position * self.config.batch_size : end], low_precision)
            self.step += 1

            said: list[Event] = []
            if self.step in points:
                said.append(self._losses(beta_at(self.config, (self.step - 1) / self.steps_per_epoch)))
            if self.step in moments and not self.diverged:
                said.append(self._snapshot(moments.index(self.step)))
            now = self._tick()
            if frames.due(now) and not self.diverged:
                said.append(self._shown(frames))
            if now - speed.told >= PROGRESS_SECONDS:
                said.append(self._progress(speed))
            for event in said:
                self.settled = event is said[-1] and not self.diverged
                yield event
                # What the consumer does with an event, or a pause, is not training time.
                self._mark = time.perf_counter()
            if self.diverged:
                break
        yield from self._end(speed)

    def _tick(self) -> float:
        now = time.perf_counter()
        self.seconds += now - self._mark
        self._mark = now
        return now

    @property
    def epoch(self) -> float:
        """Epochs passed, fractional."""
        return self.step / self.steps_per_epoch

    def _gradient_step(self, batch: torch.Tensor, low_precision: bool) -> None:
        """One step of Adam on the images at `batch`.

        The gradient is not clipped: Adam's step is no longer than about the learning rate however large the gradient.
        """
        noise = seeded(self.config.seed, "epsilon", self.step)
        x = self._images(batch)
        self.optimizer.param_groups[0]["lr"] = self._learning_rate()
        value = self.objective(Step(self.model, x, self.epoch, len(self.x), noise, low_precision))
        self.optimizer.zero_grad(set_to_none=True)
        value.surrogate.neg().backward()
        self.optimizer.step()
        self.objective.learn()
        self.sums[0] += value.objective * len(batch)
        self.sums[1] += value.reconstruction.detach().sum()
        self.sums[2:] += value.kl.detach().sum(0)
        self.count += len(batch)

    def _images(self, batch: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) in [0, 1]; with dynamic binarisation each pixel is drawn anew."""
        x = self.x.index_select(0, batch)  # the same as x[batch], and several times as fast
        if self.config.binarize == "dynamic":
            rng = np.random.Generator(np.random.SFC64(_number(self.config.seed, "binarize", self.step)))
            x = torch.from_numpy(binarized(x.numpy(), rng))
        return to_unit(x).view(-1, *self.config.image_shape)

    def _learning_rate(self) -> float:
        cosine = 0.5 * (1 + math.cos(math.pi * self.step / self.steps))
        return self.config.learning_rate * (LAST_RATE + (1 - LAST_RATE) * cosine)

    def _losses(self, beta: float) -> Losses | Diverged:
        """The mean since the last point, and the held-out images now; remembers the weights if none were better."""
        objective, train = _mean(self.sums, self.count)
        self._told -= self.sums
        self._told_count -= self.count
        self.sums.zero_()
        self.count = 0
        held_out = per_image(self.model, self.dataset.test.x[:HELD_OUT], seed=self.config.seed).terms()
        seen = per_image(self.model, self._some_seen(), seed=self.config.seed).terms()
        if not math.isfinite(objective + train.elbo + held_out.elbo + seen.elbo):
            return self._diverged("the objective was no longer finite")
        self._kl = held_out.kl_per_dim
        weight = self.config.beta if OBJECTIVES[self.config.objective].weighs_kl else 1.0
        score = held_out.reconstruction - weight * held_out.kl
        if score >= self._best:
            self._best = score
            self._good = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        return Losses(self.step, self.epoch, beta, train, held_out, objective, seen)

    def _some_seen(self) -> NDArray[np.uint8]:
        """Training images, as many as held-out ones are scored; drawn black and white once where steps draw anew."""
        x = self.x[:HELD_OUT].numpy()
        if self.config.binarize == "dynamic":
            x = binarized(x, np.random.Generator(np.random.SFC64(_number(self.config.seed, "seen", 0))))
        return x.reshape(-1, *self.config.image_shape)

    def _diverged(self, what: str) -> Diverged:
        """Say so. Weights that were never better than the untrained ones are no model, and are not kept as one."""
        self.diverged = True
        if self._good is not None and not self._gain() > 0:
            self._good = None
        left = (
            "with the best weights it had had" if self._good else "without a model: it never was better than untrained"
        )
        message = f"{what} after {self.step} steps, so training ended there {left}; try a smaller learning rate"
        return Diverged(
            self.step, self.epoch, message + (" or a larger σ" if self.config.likelihood == "gaussian" else "")
        )

    def _judged(self) -> Diverged | None:
        """What is wrong with the weights at the end, if anything: no number, or far from the best there were."""
        if not all(bool(tensor.isfinite().all()) for tensor in self.model.state_dict().values()):
            return self._diverged("the weights were no longer finite")
        if self._good is None:
            return None  # stopped before the first point
        untrained, now = self._worth(self._first_model()), self._worth(self.model)
        gained = max(0.0, self._gain())
        if now >= untrained + (1 - LOST) * gained - SLACK * abs(untrained) - 1:
            return None
        return self._diverged(f"the objective was {nats(now)} nats, having been {nats(untrained + gained)} before,")

    def _gain(self) -> float:
        """By how much the best weights are better than the untrained ones, nats."""
        assert self._good is not None
        best = untrained(self.config)
        best.load_state_dict(self._good)
        return self._worth(best) - self._worth(self._first_model())

    def _worth(self, model: VAE) -> float:
        """The objective of a model as it is at this moment of the run: always on the same images with the same noise.

        A warm-up, or a target that moves, makes figures of different moments incomparable. Nothing is learned here.
        """
        x = to_unit(self.x[:JUDGED]).view(-1, *self.config.image_shape)
        noise = seeded(self.config.seed, "judged", 0)
        worth = self.objective.worth(Step(model, x, self.epoch, len(self.x), noise))
        return worth if math.isfinite(worth) else -math.inf

    def _progress(self, speed: _Speed) -> Progress:
        rate = speed.tell(self.step) * self.config.batch_size
        remaining = (self.steps - self.step) * self.config.batch_size
        eta = remaining / rate if rate else 0.0
        sums, count = self.sums - self._told, self.count - self._told_count
        self._told, self._told_count = self.sums.clone(), self.count
        train = _mean(sums, count)[1] if count else None
        if train is not None and not math.isfinite(train.elbo):
            train = None  # the next point of the curves ends the run, and says why
        return Progress(self.step, self.steps, self.epoch, rate, self.seconds, eta, train, self._frame)

    def _shown(self, frames: _Frames) -> Frame:
        """What the page shows of this moment, in the two dimensions that say most."""
        begun = time.perf_counter()
        arrays = self._pictures()
        kl = np.asarray(self._kl)
        best = np.sort(np.argsort(-kl, kind="stable")[:2]).astype(np.int32)
        if kl[self._dims].sum() < SAME_DIMS * kl[best].sum():  # two that are about as active need not take turns
            self._dims = best
        dims = self._dims
        arrays |= {"means": np.ascontiguousarray(arrays["means"][:, dims]), "dims": dims}
        self._frame = self.step
        frames.made(begun, time.perf_counter())
        return Frame(self.step, self.epoch, arrays)

    def _snapshot(self, index: int) -> Snapshot:
        """What the page shows of this moment, and the decoder with which it can go on from there."""
        arrays = self._pictures()
        for name, tensor in self.model.decoding.tensors.items():
            arrays[name] = tensor.detach().half().numpy()
        return Snapshot(index, self.step, self.epoch, arrays)

    def _pictures(self) -> dict[str, NDArray[Any]]:
        """Reconstructions, prior samples, encoded means with their labels, and for D = 2 the decoded plane."""
        test, d = self.dataset.test, self.config.latent_dim
        noise = torch.randn(SHOWN_SAMPLES, d, generator=seeded(self.config.seed, "shown", 0))
        with torch.inference_mode():
            shown = self.model.encode(to_unit(torch.from_numpy(test.x[:SHOWN_MEANS].copy()))).mu
            arrays: dict[str, NDArray[Any]] = {
                "reconstructions": to_bytes(self.model.pictures(shown[:SHOWN_IMAGES])),
                "samples": to_bytes(self.model.pictures(noise)),
                "means": shown.numpy(),
                "labels": test.labels[:SHOWN_MEANS],
            }
            if d == 2:
                arrays["plane"] = to_bytes(self.model.pictures(plane_codes(PLANE)))
        return arrays

    def _end(self, speed: _Speed) -> Generator[Event]:
        if not self.diverged and self.step and (wrong := self._judged()) is not None:
            self.settled = False
            yield wrong
        if self.diverged:
            if self._good is None:
                return
            self.model.load_state_dict(self._good)
        test = per_image(self.model, self.dataset.test.x, seed=self.config.seed).terms()
        yield self._progress(speed)
        yield Finished(
            step=self.step,
            epoch=self.epoch,
            seconds=self.seconds,
            images_per_second=self.epoch * len(self.x) / self.seconds if self.seconds else 0.0,
            test=test,
            is_log_likelihood=self.model.design.is_log_likelihood,
            stopped=self.step < self.steps or self.diverged,
        )

    def _points(self) -> set[int]:
        """Steps after which the curves get a point: a few at once, then evenly."""
        every = max(1, self.steps // CURVE_POINTS)
        first = {s for s in (1, 3, 6, 10, 15) if s <= every}
        return first | set(range(every, self.steps + 1, every)) | {self.steps}

    def _moments(self) -> list[int]:
        """Steps of the snapshots, ascending: quadratic in time."""
        return sorted({round(self.steps * (i / SNAPSHOTS) ** 2) for i in range(SNAPSHOTS + 1)})


def untrained(config: RunConfig, generator: torch.Generator | None = None) -> VAE:
    """The model that a configuration trains, its weights drawn from `generator`, or unset."""
    sigma = config.sigma if isinstance(config.sigma, float) else None
    return VAE(design(config), generator, sigma=sigma)


class _Speed:
    """Steps a second over the last few seconds."""

    def __init__(self, step: int) -> None:
        self.told = time.perf_counter()
        self._marks = [(self.told, step)]

    def tell(self, step: int) -> float:
        self.told = now = time.perf_counter()
        self._marks = [mark for mark in self._marks if now - mark[0] < 3.0] or self._marks[-1:]
        self._marks.append((now, step))
        (t0, s0), (t1, s1) = self._marks[0], self._marks[-1]
        return (s1 - s0) / (t1 - t0) if t1 > t0 else 0.0


class _Frames:
    """When the next frame may come: what it costs decides."""

    def __init__(self) -> None:
        self._due = 0.0

    def due(self, now: float) -> bool:
        """Whether it is time for one."""
        return now >= self._due

    def made(self, begun: float, now: float) -> None:
        """One was made in this time."""
        self._due = now + max(FRAME_SECONDS, (now - begun) / FRAME_SHARE)


def _mean(sums: torch.Tensor, count: int) -> tuple[float, Terms]:
    """Objective and terms of `Training.sums` over `count` images."""
    objective, reconstruction, *per_dim = (sums / count).tolist()
    return objective, Terms(reconstruction, sum(per_dim), per_dim)


def _under(prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, torch.Tensor]:
    return {n.removeprefix(prefix): torch.from_numpy(a.copy()) for n, a in arrays.items() if n.startswith(prefix)}


def seeded(seed: int, purpose: str, index: int) -> torch.Generator:
    """A generator whose numbers depend on nothing but these three."""
    return torch.Generator().manual_seed(_number(seed, purpose, index))


def _number(seed: int, purpose: str, index: int) -> int:
    digest = hashlib.blake2b(f"{seed}/{purpose}/{index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def plane_codes(side: int) -> torch.Tensor:
    """(side², 2): the grid over [−3, 3]², first row at the top (z2 = 3), as pictures are laid out."""
    axis = torch.linspace(-PLANE_EXTENT, PLANE_EXTENT, side)
    z2, z1 = torch.meshgrid(axis.flip(0), axis, indexing="ij")
    return torch.stack([z1.flatten(), z2.flatten()], dim=1)


def _fast_bf16() -> bool:
    """Whether this processor multiplies bfloat16 faster than float32."""
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(probe is not None and probe())
