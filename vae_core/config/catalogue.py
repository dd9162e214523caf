"""What can be optimised: name, paper, formula, parameters and ranges of every objective. The one list of them.

`run_config.py` validates against it, the command line and the app build their choices from it, and `objectives.py`
holds the computation of each. No torch here.

In the formulas, reconstruction and KL are those of the ELBO, in nats per image.
"""

from __future__ import annotations

from dataclasses import dataclass

Value = float | int | str


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One number or choice of an objective. The same name means the same in every objective that has it."""

    name: str
    default: Value
    help: str
    low: float = 0.0
    high: float = 0.0
    integer: bool = False
    choices: tuple[str, ...] = ()
    """If there are any, the value is one of them, and there is no range."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry: what a person needs to choose it."""

    name: str
    title: str
    help: str
    formula: str
    """What is maximised, per image, in LaTeX."""
    paper: str
    weighs_kl: bool = False
    """Whether β and its warm-up are part of it; where they are not, they have to stay at 1 and 0."""
    least_batch: int = 1
    """Images that a step needs: what compares the codes of a batch with each other has no meaning for one alone."""
    parameters: tuple[Parameter, ...] = ()

    def defaults(self) -> dict[str, Value]:
        """Every parameter at its default."""
        return {parameter.name: parameter.default for parameter in self.parameters}


_TC_WEIGHT = "Weight of the total correlation: how dearly dependence between the dimensions is paid for."
_SAMPLES = (
    Parameter(name="samples", default=5, low=1, high=64, integer=True, help="K, codes for each image and step."),
    Parameter(
        name="start_samples",
        default=0,
        low=0,
        high=64,
        integer=True,
        help="K at the start, growing geometrically to `samples`: early epochs are cheap. 0: K from the start.",
    ),
    Parameter(
        name="backward",
        default="all",
        choices=("all", "one"),
        help="Send the gradient through all K codes, or through one drawn by its weight: right on average, and nearly "
        "as cheap as a VAE's step (Burda et al. 2016, section 3).",
    ),
)

_ENTRIES = (
    Entry(
        name="elbo",
        title="ELBO, β-VAE",
        help="The bound on log P(X). With β other than 1 it is the β-VAE: each nat of code costs β.",
        formula=r"\mathrm{reconstruction} - \beta\,\mathrm{KL}",
        paper="Kingma & Welling 2014, equation 3; β: Higgins et al. 2017, equation 4; path: Roeder et al. 2017, eq. 8",
        weighs_kl=True,
        parameters=(
            Parameter(
                name="gradient",
                default="total",
                choices=("total", "path"),
                help="Of the KL: in closed form (total), or at the drawn code, through z alone (path): the noise "
                "vanishes as Q nears the posterior.",
            ),
        ),
    ),
    Entry(
        name="free-bits",
        title="Free bits",
        help="Each dimension may carry so many nats for free, so none is dropped early in training.",
        formula=r"\mathrm{reconstruction} - \beta \sum_j \max(\lambda, \overline{\mathrm{KL}}_j)",
        paper="Kingma et al. 2016 (inverse autoregressive flow), equation 15",
        weighs_kl=True,
        parameters=(
            Parameter(
                name="free_bits",
                default=0.5,
                low=0.0,
                high=8.0,
                help="λ: nats that each dimension carries for free, on the average of the batch.",
            ),
        ),
    ),
    Entry(
        name="capacity",
        title="Capacity",
        help="The KL is held at a target that grows over training, so that the code fills one factor after another.",
        formula=r"\mathrm{reconstruction} - \gamma\,|\mathrm{KL} - C(t)|",
        paper="Burgess et al. 2018, equation 8",
        parameters=(
            Parameter(name="capacity", default=25.0, low=0.0, high=100.0, help="C at the end, in nats."),
            Parameter(
                name="capacity_epochs", default=5.0, low=0.0, high=10_000.0, help="Epochs over which C rises from 0."
            ),
            Parameter(name="capacity_weight", default=30.0, low=1.0, high=1000.0, help="γ: how firmly the KL is held."),
        ),
    ),
    Entry(
        name="beta-tcvae",
        title="β-TCVAE",
        help="The KL in three parts, each with its weight: what the code says about the image, how much the dimensions "
        "depend on each other, how far each is from the prior.",
        formula=r"\mathrm{reconstruction} - \alpha\,I(X;z) - \beta\,\mathrm{TC} - \gamma \sum_j "
        r"D[Q(z_j) \Vert P(z_j)]",
        paper="Chen et al. 2018, equations 2 and 4; sampling: appendix C",
        least_batch=2,
        parameters=(
            Parameter(name="tc_weight", default=6.0, low=0.0, high=100.0, help=_TC_WEIGHT),
            Parameter(name="mi_weight", default=1.0, low=0.0, high=10.0, help="Weight of I(X; z), the index-code MI."),
            Parameter(name="dimension_weight", default=1.0, low=0.0, high=10.0, help="Weight of the KL by dimension."),
            Parameter(
                name="sampling",
                default="mss",
                choices=("mss", "mws"),
                help="How Q(z) is estimated from a batch: stratified (mss) or weighted (mws).",
            ),
        ),
    ),
    Entry(
        name="factor-vae",
        title="FactorVAE",
        help="A discriminator learns to tell codes from codes with shuffled dimensions; what it finds is the total "
        "correlation, and is paid for.",
        formula=r"\mathrm{reconstruction} - \beta\,\mathrm{KL} - \gamma\,\mathrm{TC}",
        paper="Kim & Mnih 2018, equations 2 and 3, algorithm 2",
        weighs_kl=True,
        parameters=(
            Parameter(name="tc_weight", default=10.0, low=0.0, high=100.0, help=_TC_WEIGHT),
            Parameter(
                name="discriminator_units",
                default=256,
                low=8,
                high=1000,
                integer=True,
                help="Width of the discriminator's hidden layers (the paper: 1000).",
            ),
            Parameter(
                name="discriminator_layers",
                default=3,
                low=1,
                high=6,
                integer=True,
                help="Hidden layers (the paper: 6).",
            ),
            Parameter(
                name="discriminator_rate", default=1e-4, low=1e-6, high=1e-2, help="Adam's step size for it (1e-4)."
            ),
        ),
    ),
    Entry(
        name="dip-vae-i",
        title="DIP-VAE I",
        help="The encoded means are asked to be uncorrelated, each with variance one.",
        formula=r"\mathrm{reconstruction} - \beta\,\mathrm{KL} - \lambda_{od}\sum_{i\ne j} C_{ij}^2 - \lambda_d"
        r"\sum_i (C_{ii}-1)^2, \; C = \mathrm{Cov}_X[\mu(X)]",
        paper="Kumar et al. 2018, equation 6",
        least_batch=2,
        weighs_kl=True,
        parameters=(
            Parameter(name="lambda_od", default=10.0, low=0.0, high=1000.0, help="Weight of the covariances."),
            Parameter(name="lambda_d", default=100.0, low=0.0, high=1000.0, help="Weight of the variances."),
        ),
    ),
    Entry(
        name="dip-vae-ii",
        title="DIP-VAE II",
        help="The codes z, noise included, are asked to be uncorrelated, each with variance one.",
        formula=r"\mathrm{reconstruction} - \beta\,\mathrm{KL} - \lambda_{od}\sum_{i\ne j} C_{ij}^2 - \lambda_d"
        r"\sum_i (C_{ii}-1)^2, \; C = \mathrm{Cov}_{Q(z)}[z]",
        paper="Kumar et al. 2018, equation 7",
        least_batch=2,
        weighs_kl=True,
        parameters=(
            Parameter(name="lambda_od", default=10.0, low=0.0, high=1000.0, help="Weight of the covariances."),
            Parameter(name="lambda_d", default=10.0, low=0.0, high=1000.0, help="Weight of the variances."),
        ),
    ),
    Entry(
        name="info-vae",
        title="InfoVAE (MMD)",
        help="The codes of all images together are asked to look like the prior; the code of one image is not.",
        formula=r"\mathrm{reconstruction} - (1-\alpha)\,\mathrm{KL} - (\alpha+\lambda-1)\,\mathrm{MMD}(Q(z), P(z))",
        paper="Zhao et al. 2017, equation 6, with the MMD of section 3.2",
        least_batch=2,
        parameters=(
            Parameter(name="alpha", default=1.0, low=0.0, high=1.0, help="1: no KL at all (MMD-VAE); 0: all of it."),
            Parameter(name="mmd_lambda", default=1000.0, low=1.0, high=10_000.0, help="λ of the formula."),
        ),
    ),
    Entry(
        name="iwae",
        title="IWAE",
        help="The importance-weighted bound: K codes for each image, nearer to log P(X) the larger K.",
        formula=r"\log \frac{1}{K}\sum_k P(X|z_k) \left(\frac{P(z_k)}{Q(z_k|X)}\right)^{\beta}",
        paper="Burda et al. 2016, equations 8 and 14",
        parameters=_SAMPLES,
        weighs_kl=True,
    ),
    Entry(
        name="dreg",
        title="IWAE, DReG",
        help="The importance-weighted bound with the encoder's gradient reparameterised twice: less noise for large K.",
        formula=r"\log \frac{1}{K}\sum_k P(X|z_k) \left(\frac{P(z_k)}{Q(z_k|X)}\right)^{\beta}",
        paper="Tucker et al. 2019, equation 7",
        parameters=_SAMPLES,
        weighs_kl=True,
    ),
    Entry(
        name="autoencoder",
        title="Autoencoder",
        help="No KL and no noise, z = μ(X): for contrast. Nothing asks the codes to fill the prior.",
        formula=r"\log P(X\,|\,z = \mu(X))",
        paper="for contrast: the ELBO without its KL, in the limit of no noise",
    ),
)

OBJECTIVES: dict[str, Entry] = {entry.name: entry for entry in _ENTRIES}
"""Name -> entry."""

ALIASES = {"beta-vae": "elbo"}
"""Other names in use; the run is the same."""

PARAMETERS: dict[str, list[str]] = {
    name: [entry.name for entry in _ENTRIES if name in entry.defaults()]
    for name in dict.fromkeys(p.name for entry in _ENTRIES for p in entry.parameters)
}
"""Parameter -> the objectives that have it."""
