"""The cards above Train's form: presets, data sets and networks, each with a picture and a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app import link, session
from app.components import register
from app.facts import payloads
from vae_core.config import ARCHITECTURES, DATASETS, RunConfig

KEY = "train-choices"
SHOWN = 4
"""Pictures on the card of a data set."""

NETWORKS = {
    "mlp": ("Dense", "fast"),
    "conv": ("Convolutional", "sharper, slower"),
    "burgess": ("Burgess 2018", "32 channels, slowest"),
}
"""Name -> title and a few words; what they are is said in the library."""

_D = RunConfig()
DEFAULTS: dict[str, Any] = {
    "network": _D.architecture,
    "dim": _D.latent_dim,
    "beta": _D.beta,
    "objective": _D.objective,
    "warmup": int(_D.warmup_epochs),
    "cycles": _D.warmup_cycles,
    "likelihood": _D.likelihood,
    "posterior": _D.posterior,
    "binarize": _D.binarize,
    "hidden": ", ".join(map(str, _D.hidden)),
    "activation": _D.activation,
    "batch": _D.batch_size,
    "rate": _D.learning_rate,
}
"""What a preset leaves as it is, by the names that a link has; data and seed are the visitor's."""

_view = register("elbo_room_train_choices", "train/choices.js", ["kit/lab.css", "train/choices.css"])


@dataclass(frozen=True)
class Preset:
    """A configuration worth training, as what it changes in the form."""

    title: str
    sentence: str
    settings: dict[str, Any]
    """By the names that a link has for them; all else is at its default. `epochs` are for MNIST."""


PRESETS = {
    "plane": Preset("A plane", "two dimensions, to look at", {"dim": 2}),
    "ten": Preset("Ten", "dimensions, to explore", {"dim": 10}),
    "disentangle": Preset("Disentangle", "β 4: simple codes", {"dim": 10, "beta": 4.0, "warmup": 2}),
    "sharp": Preset("Sharp", "Gaussian, its σ learned", {"dim": 16, "likelihood": "gaussian", "epochs": 20}),
    "collapse": Preset("Collapse", "on purpose: β 16", {"dim": 16, "beta": 16.0, "epochs": 5}),
    "paper": Preset(
        "Burda 2016",
        "the paper's network",
        {
            "dim": 50,
            "hidden": "200, 200",
            "activation": "tanh",
            "binarize": "dynamic",
            "batch": 512,
            "rate": 6e-3,
            "warmup": 10,
            "epochs": 100,
        },
    ),
}


def cards() -> None:
    """Show them. What is picked is in the URL before the form is drawn."""
    data, network = link.chosen("data", _D.dataset), link.chosen("network", _D.architecture)
    _view(
        key=KEY,
        data={
            "presets": [{"id": name, "title": one.title, "text": one.sentence} for name, one in PRESETS.items()],
            "sets": [
                {"id": name, "title": source.title, "text": source.about, "images": _pictures(name)}
                for name, source in DATASETS.items()
            ],
            "networks": [
                {"id": name, "title": title, "text": text, "about": ARCHITECTURES[name]}
                for name, (title, text) in NETWORKS.items()
            ],
            "data": data,
            "network": network,
        },
        height="content",
        on_choose_change=_choose,
    )


def _pictures(dataset: str) -> str:
    return payloads.test_blob(dataset, "none", SHOWN)


def _choose() -> None:
    picked = session.recall(KEY)["choose"]
    kind, name = picked["kind"], picked["id"]
    data = link.chosen("data", RunConfig.dataset)
    if kind == "preset" and name in PRESETS:
        settings = DEFAULTS | PRESETS[name].settings
        # A preset's epochs are for MNIST; small pictures need many more, and take a moment.
        if data != "mnist" or "epochs" not in PRESETS[name].settings:
            settings["epochs"] = DATASETS[data].epochs
        link.fill(settings, DEFAULTS)
    elif kind == "data" and name in DATASETS:
        link.fill({"data": name, "epochs": DATASETS[name].epochs}, {"data": _D.dataset})
    elif kind == "network" and name in ARCHITECTURES:
        link.fill({"network": name, **{key: DEFAULTS[key] for key in ("hidden", "activation")}}, DEFAULTS)
