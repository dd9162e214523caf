"""What a run says while it runs: frozen records with a JSON round trip. Arrays travel beside the JSON, never in it.

All terms are nats per image.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, cast

from numpy.typing import NDArray


@dataclass(frozen=True)
class Terms:
    """The two terms of the ELBO, averaged over images: nats per image."""

    reconstruction: float
    kl: float
    kl_per_dim: list[float]

    @property
    def elbo(self) -> float:
        """reconstruction − kl."""
        return self.reconstruction - self.kl


@dataclass(frozen=True)
class Started:
    """The first event: how long the run is and in what precision it multiplies."""

    type: ClassVar[str] = "started"
    steps: int
    steps_per_epoch: int
    parameters: int
    precision: str


@dataclass(frozen=True)
class Progress:
    """Where the run is, a few times a second. Speed is of the last few seconds."""

    type: ClassVar[str] = "progress"
    step: int
    steps: int
    epoch: float
    images_per_second: float
    seconds: float
    eta_seconds: float


@dataclass(frozen=True)
class Losses:
    """One point of the curves. `train` is the mean over the steps since the last point, `held_out` over fixed test
    images, which no gradient sees.
    """

    type: ClassVar[str] = "losses"
    step: int
    epoch: float
    beta: float
    train: Terms
    held_out: Terms
    objective: float | None = None
    """What is maximised, on the training images; None in runs older than the figure."""


@dataclass(frozen=True)
class Snapshot:
    """A moment to come back to. `arrays`: reconstructions and samples (N, C, H, W) uint8, for D = 2 the decoded plane,
    encoded means (M, D) with labels (M,), and the decoder's weights in float16 under their own names.
    """

    type: ClassVar[str] = "snapshot"
    index: int
    step: int
    epoch: float
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict[str, NDArray[Any]], compare=False, repr=False)


@dataclass(frozen=True)
class Finished:
    """The last event: the whole test set, in float32. `stopped` when a person ended the run early."""

    type: ClassVar[str] = "finished"
    step: int
    epoch: float
    seconds: float
    images_per_second: float
    test: Terms
    is_log_likelihood: bool
    stopped: bool = False


@dataclass(frozen=True)
class Diverged:
    """The objective stopped being finite at `step`; the weights of the last good moment are kept."""

    type: ClassVar[str] = "diverged"
    step: int
    epoch: float
    message: str


Event = Started | Progress | Losses | Snapshot | Finished | Diverged
_TYPES: dict[str, type[Any]] = {cls.type: cls for cls in (Started, Progress, Losses, Snapshot, Finished, Diverged)}


def to_json(event: Event) -> str:
    """One line of JSON. A snapshot's arrays are left out: the store keeps them in a file of their own."""
    if isinstance(event, Snapshot):
        values: dict[str, Any] = {"index": event.index, "step": event.step, "epoch": event.epoch}
    else:
        values = asdict(event)
    return json.dumps({"type": event.type, **_rounded(values)}, separators=(",", ":"))


def from_json(line: str) -> Event:
    """Inverse of `to_json`. Raises ValueError for a line that is not an event."""
    loaded: object = json.loads(line)
    if not isinstance(loaded, dict):
        raise ValueError(f"not an event: {line[:80]!r}")
    values = cast("dict[str, Any]", loaded)
    cls = _TYPES.get(str(values.pop("type", "")))
    if cls is None:
        raise ValueError(f"not an event: {line[:80]!r}")
    known = {f.name for f in fields(cls)}
    for name in ("train", "held_out", "test"):
        if name in values:
            values[name] = Terms(**values[name])
    return cast("Event", cls(**{k: v for k, v in values.items() if k in known}))


def _rounded(value: Any) -> Any:
    """Nine significant digits: more than float32 carries, and half the text."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_rounded(v) for v in cast("list[Any]", value)]
    return value
