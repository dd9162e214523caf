"""What a run says while it runs: frozen records with a JSON round trip. Arrays travel beside the JSON, never in it.

What is read is checked: the fields of the record, each of its type, every number finite.

All terms are nats per image.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from typing import Any, ClassVar, cast, get_type_hints

from numpy.typing import NDArray

from vae_core.config.errors import NotFiniteError


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
    threads: int = 0
    """On which the weights' last bits depend; 0 in runs older than the figure."""


@dataclass(frozen=True)
class Progress:
    """Where the run is, ten times a second. Speed is of the last few seconds."""

    type: ClassVar[str] = "progress"
    step: int
    steps: int
    epoch: float
    images_per_second: float
    seconds: float
    eta_seconds: float
    train: Terms | None = None
    """The mean over the steps since the last Progress; None before the first step, and in older runs."""
    frame: int | None = None
    """The step of the last `Frame`; None before the first."""


@dataclass(frozen=True)
class Losses:
    """One point of the curves. `train` is the mean over the steps since the last point, on images as they came and
    with the weights as they were; `held_out` is of this moment, over fixed test images, which no gradient sees.
    """

    type: ClassVar[str] = "losses"
    step: int
    epoch: float
    beta: float
    train: Terms
    held_out: Terms
    objective: float | None = None
    """What is maximised, on the training images; None in runs older than the figure."""
    seen: Terms | None = None
    """Of this moment as `held_out` is, and by the same estimator, over as many images that gradients do see. None in
    runs older than the figure.
    """


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
class Frame:
    """What a page shows of this moment; the next one replaces it, and none is kept. `arrays`: reconstructions and
    samples (N, C, H, W) uint8, encoded means (M, min(D, 2)) of the two most active dimensions, `dims` (min(D, 2),)
    which those are, labels (M,), for D = 2 the decoded plane.
    """

    type: ClassVar[str] = "frame"
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
    """Seen at `step`: the objective is not finite, or worse than where the run began. Its best weights are kept."""

    type: ClassVar[str] = "diverged"
    step: int
    epoch: float
    message: str


Event = Started | Progress | Losses | Snapshot | Frame | Finished | Diverged
_TYPES: dict[str, type[Any]] = {
    cls.type: cls for cls in (Started, Progress, Losses, Snapshot, Frame, Finished, Diverged)
}


def to_json(event: Event) -> str:
    """One line of JSON. Arrays are left out: the store keeps them in a file of their own."""
    values = asdict(replace(event, arrays={}) if isinstance(event, Snapshot | Frame) else event)
    values.pop("arrays", None)
    try:
        return json.dumps({"type": event.type, **_rounded(values)}, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise NotFiniteError(
            f"{event.type} of step {getattr(event, 'step', 0)}: a number in it is not finite"
        ) from error


def from_json(line: str) -> Event:
    """Inverse of `to_json`. Raises ValueError for a line that is not an event."""
    return from_dict(parse(line))


def from_dict(values: object) -> Event:
    """An event from the object that its line of JSON holds. Fields that are not known are left out.

    Raises ValueError when it is not an event.
    """
    if not isinstance(values, dict):
        raise ValueError(f"not an event: {str(values)[:80]!r}")
    given = cast("dict[str, object]", values)
    cls = _TYPES.get(str(given.get("type", "")))
    if cls is None:
        raise ValueError(f"not an event: of type {str(given.get('type'))[:80]!r}")
    return cast("Event", _built(cls, {name: value for name, value in given.items() if name != "type"}))


def unknown(values: Mapping[str, object]) -> list[str]:
    """Names in an event's object that this version has no field for."""
    cls = _TYPES.get(str(values.get("type", "")))
    found = [name for name in values if name != "type" and cls and name not in _kinds(cls)]
    terms = [value for value in values.values() if isinstance(value, dict)]
    return found + [name for value in terms for name in cast("dict[str, object]", value) if name not in _kinds(Terms)]


def parse(text: str) -> Any:
    """JSON in which every number is finite. Raises ValueError, whatever the text is."""
    try:
        return json.loads(text, parse_constant=_refused, parse_float=_float)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _float(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refused(text)


def _refused(text: str) -> float:
    raise ValueError(f"{text[:40]} is not a finite number")


@cache
def _kinds(cls: type[Any]) -> dict[str, Any]:
    """The fields that JSON carries, with their types."""
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in fields(cls) if field.name != "arrays"}


def _built(cls: type[Any], given: Mapping[str, object]) -> Any:
    kinds = _kinds(cls)
    try:
        return cls(**{name: _checked(name, kinds[name], value) for name, value in given.items() if name in kinds})
    except TypeError as error:  # a field without a default is not there
        raise ValueError(f"not an event: {error}") from error


def _checked(name: str, kind: Any, value: object) -> Any:
    """`value` as a field of this type takes it. Raises ValueError."""
    if kind in (Terms, Terms | None) and isinstance(value, dict):
        return _built(Terms, cast("dict[str, object]", value))
    if kind == list[float] and isinstance(value, list):
        return [_checked(name, float, one) for one in cast("list[object]", value)]
    if kind in (float | None, int | None, Terms | None) and value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        if kind in (bool, str) and isinstance(value, kind):
            return value
    elif kind in (float, float | None) and abs(value) <= sys.float_info.max:
        return float(value)
    elif kind in (int, int | None) and isinstance(value, int) and abs(value) < 2**63:
        return value
    raise ValueError(f"not an event: {name}={str(value)[:40]!r}")


def _rounded(value: Any) -> Any:
    """Nine significant digits: more than float32 carries, and half the text."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_rounded(v) for v in cast("list[Any]", value)]
    return value
