"""What a run is: one frozen, validated description with a canonical JSON form and a name derived from it.

Knows neither torch nor the disk, so the app and the command line can build, check and name a run at no cost.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, cast

from vae_core.config.catalogue import ALIASES, OBJECTIVES, PARAMETERS, Parameter, Value
from vae_core.config.datasets import DATASETS
from vae_core.config.errors import ConfigError
from vae_core.config.words import plain

FORMAT = 1
"""Version of the run format: part of the canonical JSON, so of every run's name."""

ARCHITECTURES: dict[str, str] = {
    "mlp": "Fully connected layers: the fastest to train and to drag.",
    "conv": "Two convolutions each way: sharper pictures, a few times slower to train.",
    "burgess": "The 4×4-kernel, 32-channel network of Burgess et al. (2018), on 32×32 or 64×64 pixels.",
}
ACTIVATIONS = ("silu", "relu", "tanh")
LIKELIHOODS: dict[str, str] = {
    "bernoulli": "Each pixel is a coin with its own bias. On grey pixels a usual objective, not a true density.",
    "gaussian": "Each pixel is normal around its mean, with σ fixed, one learned, or one learned for each pixel.",
    "continuous-bernoulli": "The Bernoulli formula, normalised over [0, 1]: a true density of grey pixels.",
}
POSTERIORS: dict[str, str] = {
    "diagonal": "Q(z|X) has independent dimensions.",
    "full": "Q(z|X) has a full covariance, by its Cholesky factor: nearer to the true posterior.",
}
BINARIZE: dict[str, str] = {
    "none": "Grey pixels as they are.",
    "dynamic": "Each pixel is 1 with the probability of its grey value, drawn anew each epoch; the test set once.",
    "static": "Each pixel is drawn once, with a fixed seed, for training and test set.",
    "threshold": "1 where the grey value is above one half.",
}
PER_PIXEL = "per-pixel"

CHOICES: dict[str, Mapping[str, object] | tuple[str, ...]] = {
    "dataset": DATASETS,
    "architecture": ARCHITECTURES,
    "activation": ACTIVATIONS,
    "likelihood": LIKELIHOODS,
    "posterior": POSTERIORS,
    "binarize": BINARIZE,
}
"""Field -> what it may be, where that is a name; `objective` is one of the catalogue's, or an alias."""
RANGES: dict[str, tuple[float, float]] = {
    "latent_dim": (1, 64),
    "sigma": (1e-3, 10.0),
    "beta": (0.0, 1000.0),
    "warmup_epochs": (0.0, 10_000.0),
    "warmup_cycles": (0, 1000),
    "epochs": (1, 10_000),
    "batch_size": (1, 8192),
    "learning_rate": (1e-7, 1.0),
    "seed": (0, 2**31 - 1),
}
"""Field -> the smallest and the largest number it may be."""


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that decides a run's weights. Equal configurations on the same machine give bit-identical weights.

    Raises `ConfigError` when a field is unknown, out of its range, or at odds with another.
    """

    dataset: str = "mnist"
    """The pictures to learn from."""
    architecture: str = "mlp"
    """The networks, encoder and decoder."""
    hidden: tuple[int, ...] = (256, 256)
    """Units of the encoder's hidden layers, input first; the decoder mirrors them. For `mlp` alone."""
    activation: str = "silu"
    """Between the layers of the `mlp`, and of it alone."""
    latent_dim: int = 2
    """D, the number of latent dimensions."""
    likelihood: str = "bernoulli"
    """The family of P(X|z)."""
    sigma: float | str | None = None
    """Standard deviation of the Gaussian, on the 0–1 scale of the pixels; None (on a command line: learned) learns one
    for all pixels, 'per-pixel' one for each."""
    beta: float = 1.0
    """Weight of the KL in the objective; 1 is the ELBO."""
    warmup_epochs: float = 0.0
    """β rises linearly from 0 over this many epochs."""
    epochs: int = 10
    """Passes over the training images."""
    batch_size: int = 128
    """Images in one gradient step."""
    learning_rate: float = 2e-3
    """Adam's step size at the start; it falls along a half cosine to 2 % of it."""
    seed: int = 0
    """Decides the initial weights, the order of the images and every ε."""
    posterior: str = "diagonal"
    """The family of Q(z|X)."""
    binarize: str = "none"
    """What is done to grey pixels before anything sees them."""
    warmup_cycles: int = 0
    """0: one warm-up. M: the epochs are cut into M cycles, and β rises from 0 in each (Fu et al. 2019), over
    `warmup_epochs` or, without these, over the first half."""
    objective: str = "elbo"
    """What is optimised."""
    parameters: tuple[tuple[str, Value], ...] = ()
    """The objective's parameters that are not at their default, by name; any mapping is taken."""

    def __post_init__(self) -> None:
        """Bring numbers into one form (4 and 4.0 name the same run), then check every field and the pairs."""
        for field in fields(self):
            object.__setattr__(self, field.name, _normalised(field.name, getattr(self, field.name)))
        if isinstance(cast("object", self.objective), str):
            object.__setattr__(self, "objective", ALIASES.get(self.objective, self.objective))
        _one_of("objective", self.objective, OBJECTIVES)
        object.__setattr__(self, "parameters", _checked(self.objective, self.parameters))
        for name, allowed in CHOICES.items():
            _one_of(name, getattr(self, name), allowed)
        for name, (low, high) in RANGES.items():
            if name != "sigma":  # it may be a word, or nothing
                _between(name, getattr(self, name), low, high)
        if len(self.hidden) > 4 or any(not 1 <= units <= 4096 for units in self.hidden):
            raise ConfigError(f"hidden={list(self.hidden)}: give up to 4 layers of 1 to 4096 units; none is linear")
        if self.architecture != "mlp" and (self.hidden, self.activation) != ((256, 256), "silu"):
            raise ConfigError(
                f"architecture={self.architecture!r} with hidden={list(self.hidden)}, activation={self.activation!r}: "
                "these two describe the mlp only; leave them out or choose architecture='mlp'"
            )
        if self.sigma is not None:
            if self.likelihood != "gaussian":
                raise ConfigError(
                    f"sigma={self.sigma} with likelihood={self.likelihood!r}: only the Gaussian has a σ; "
                    "leave it out or choose likelihood='gaussian'"
                )
            if isinstance(self.sigma, str):
                if self.sigma != PER_PIXEL:
                    raise ConfigError(f"sigma={self.sigma!r}: give a number, None or {PER_PIXEL!r}")
            else:
                _between("sigma", self.sigma, *RANGES["sigma"])
        if self.binarize != "none" and self.likelihood != "bernoulli":
            raise ConfigError(
                f"binarize={self.binarize!r} with likelihood={self.likelihood!r}: pixels that are 0 or 1 have "
                "probabilities and no density; choose likelihood='bernoulli'"
            )
        if not OBJECTIVES[self.objective].weighs_kl and (self.beta, self.warmup_epochs, self.warmup_cycles) != (
            1,
            0,
            0,
        ):
            raise ConfigError(
                f"objective={self.objective!r} with beta={plain(self.beta)}, "
                f"warmup_epochs={plain(self.warmup_epochs)}, warmup_cycles={self.warmup_cycles}: "
                "this objective has no β; leave them out"
            )
        if self.warmup_cycles and self.warmup_epochs > self.epochs / self.warmup_cycles:
            raise ConfigError(
                f"warmup_epochs={plain(self.warmup_epochs)} with warmup_cycles={self.warmup_cycles}, "
                f"epochs={self.epochs}: a cycle is shorter than its warm-up; take fewer cycles or a shorter warm-up"
            )

    def trainable(self) -> RunConfig:
        """The same, if it can be trained as it says. Raises `ConfigError` for what version 0.1 trained all the same.

        Such runs are still read: so this is asked where a run is made, and not of every configuration there is.
        """
        if self.warmup_epochs > self.epochs:
            raise ConfigError(
                f"warmup_epochs={plain(self.warmup_epochs)} with epochs={self.epochs}: training ends before β has "
                f"reached {plain(self.beta)}; take more epochs or a shorter warm-up"
            )
        if self.objective == "capacity" and self.parameter("capacity_epochs") > self.epochs:
            raise ConfigError(
                f"capacity_epochs={plain(self.parameter('capacity_epochs'))} with epochs={self.epochs}: training ends "
                f"before C has reached {plain(self.parameter('capacity'))}; take more epochs or fewer capacity_epochs"
            )
        least = OBJECTIVES[self.objective].least_batch
        if self.batch_size < least:
            raise ConfigError(
                f"batch_size={self.batch_size} with objective={self.objective!r}: it compares the codes of a batch "
                f"with each other; give a batch_size of {least} or more"
            )
        return self

    def parameter(self, name: str) -> Any:
        """The objective's parameter of that name."""
        return {**OBJECTIVES[self.objective].defaults(), **dict(self.parameters)}[name]

    @property
    def rise_epochs(self) -> float:
        """Over how many epochs β rises: `warmup_epochs`, or half a cycle where cycles are given and no length."""
        if self.warmup_cycles and not self.warmup_epochs:
            return self.epochs / self.warmup_cycles / 2
        return self.warmup_epochs

    @property
    def last_beta(self) -> float:
        """β in the last step: `beta`, or what a warm-up longer than the training (`trainable`) has reached of it."""
        return self.beta * min(1.0, self.epochs / self.warmup_epochs) if self.warmup_epochs else self.beta

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the data set's images."""
        return DATASETS[self.dataset].shape

    @property
    def pixels(self) -> int:
        """C·H·W."""
        return math.prod(self.image_shape)

    @property
    def is_log_likelihood(self) -> bool:
        """Whether log P(X|z) is the log of a probability or density of the data: not for the Bernoulli on grey pixels
        (Loaiza-Ganem & Cunningham 2019).
        """
        return self.likelihood != "bernoulli" or self.binarize != "none"

    @property
    def run_id(self) -> str:
        """The run's name: a slug to read and eight hexadecimal digits of the canonical JSON's SHA-256."""
        return f"{self.slug}-{checksum(self.to_json())}"

    @property
    def slug(self) -> str:
        """What of the run's name is there to read."""
        aim = f"beta{self.beta:g}" if self.objective == "elbo" else self.objective
        return f"{self.dataset}-{self.architecture}-{self.latent_dim}d-{aim}"

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces, the format's version; equal configurations give equal text.

        Fields younger than the format are left out at their defaults: they must not rename the runs that are older.
        """
        return json.dumps({"format": FORMAT, **self.to_dict()}, sort_keys=True, separators=(",", ":"))

    def to_dict(self) -> dict[str, Any]:
        """The fields, as JSON takes them, without the younger ones that are at their defaults."""
        values = {**asdict(self), "hidden": list(self.hidden), "parameters": dict(self.parameters)}
        defaults = {field.name: field.default for field in fields(self)} | {"parameters": {}}
        return {name: value for name, value in values.items() if name not in _YOUNGER or value != defaults[name]}

    @staticmethod
    def from_json(text: str) -> RunConfig:
        """Inverse of `to_json`. Raises `ConfigError` for text that is not a configuration of this format."""
        try:
            values: object = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"not a run configuration: {error}") from error
        if not isinstance(values, dict):
            raise ConfigError("not a run configuration: the JSON text is not an object")
        values = cast("dict[str, object]", values)
        if values.get("format") != FORMAT:
            raise ConfigError(f"format {values.get('format')!r}: this version reads format {FORMAT}; update Elbo Room")
        return RunConfig.from_dict({key: value for key, value in values.items() if key != "format"})

    @staticmethod
    def from_dict(values: Mapping[str, object]) -> RunConfig:
        """A configuration from names and values of fields and, beside them, of the objective's parameters.

        Raises `ConfigError` for a name that is neither.
        """
        known = {field.name for field in fields(RunConfig)}
        if unknown := sorted(set(values) - known - set(PARAMETERS)):
            raise ConfigError(f"unknown setting {unknown[0]!r}; the settings are {', '.join(sorted(known))}")
        own = {name: value for name, value in values.items() if name in known}
        beside = {name: value for name, value in values.items() if name not in known}
        if beside:
            own["parameters"] = {**dict(cast("Any", own.get("parameters", {}))), **beside}
        return RunConfig(**cast("dict[str, Any]", own))


def checksum(text: str) -> str:
    """What ends a run's name: eight hexadecimal digits of the SHA-256 of its configuration's canonical JSON."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


_YOUNGER = ("posterior", "binarize", "warmup_cycles", "objective", "parameters")


def _checked(objective: str, given: object) -> tuple[tuple[str, Value], ...]:
    """The parameters that differ from the objective's defaults, in order, each in its range."""
    try:
        values = dict(cast("Any", given))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"parameters={_quoted(given)}: give names and values") from error
    known = {parameter.name: parameter for parameter in OBJECTIVES[objective].parameters}
    for name in sorted(values):
        if name not in known:
            raise ConfigError(
                f"{name}={values[name]!r} with objective={objective!r}: "
                + (f"it has {', '.join(known)}" if known else "it has no parameters")
                + (f"; {name} belongs to {', '.join(PARAMETERS[name])}" if name in PARAMETERS else "")
            )
    checked = {name: _in_range(known[name], values[name]) for name in sorted(values)}
    return tuple((name, value) for name, value in checked.items() if value != known[name].default)


def _in_range(parameter: Parameter, value: object) -> Value:
    if parameter.choices:
        _one_of(parameter.name, value, parameter.choices)
        return str(value)
    number = _integer(parameter.name, value) if parameter.integer else _number(parameter.name, value)
    _between(parameter.name, number, parameter.low, parameter.high)
    return number


_INTEGERS = {name for name, (low, _) in RANGES.items() if isinstance(low, int)}
_NUMBERS = RANGES.keys() - _INTEGERS


def _normalised(name: str, value: object) -> object:
    if name == "hidden":
        if not isinstance(value, (list, tuple)):
            raise ConfigError(f"hidden={_quoted(value)}: give a list of whole numbers, such as [256, 256]")
        return tuple(_integer(name, units) for units in cast("list[object]", value))
    if name in _INTEGERS:
        return _integer(name, value)
    if name in _NUMBERS and not (name == "sigma" and (value is None or isinstance(value, str))):
        return _number(name, value)
    return value


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= sys.float_info.max:
        raise ConfigError(f"{name}={_quoted(value)}: give a finite number")
    return float(value) + 0.0  # −0.0 names the same run as 0.0


def _integer(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value % 1 != 0 or abs(value) > 2**63:
        raise ConfigError(f"{name}={_quoted(value)}: give a whole number")
    return int(value)


def _quoted(value: object) -> str:
    """What came, at most a line of it: a number may have any number of digits."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 80 else f"{text[:76]} …"


def _one_of(name: str, value: object, allowed: Mapping[str, object] | tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in allowed:
        raise ConfigError(f"{name}={_quoted(value)}: choose one of {', '.join(allowed)}")


def _between(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name}={plain(value)}: give a number from {plain(low)} to {plain(high)}")
