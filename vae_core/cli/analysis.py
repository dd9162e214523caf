"""`elbo project`, `evaluate`, `identity`, `gap`: what is computed of a model."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vae_core.cli.printing import Json, as_json, console, wrote
from vae_core.config.errors import OUT, ConfigError
from vae_core.config.words import adding, nats
from vae_core.store import Store

if TYPE_CHECKING:
    from vae_core.analysis.annealing import Between


def project(args: argparse.Namespace) -> Json:
    """Codes and a map of them, as arrays."""
    import io

    import numpy as np
    from rich.progress import Progress as Bar

    from vae_core.analysis import projection
    from vae_core.jobs import artifacts
    from vae_core.store.files import write_bytes

    store = Store()
    run_id = store.resolve(args.run)
    request = artifacts.MapRequest(
        method=args.method, limit=args.limit, perplexity=args.perplexity, seed=args.seed, start=args.start
    )
    out = Path(args.out)
    with Bar(console=console(), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(args.method, total=None)

        def tell(done: int, total: int, _points: object) -> None:
            bar.update(task, completed=done, total=total)

        found = artifacts.embedding(store, run_id, request, tell)
    codes = artifacts.codes(store, run_id)["mu"][: len(found["embedding"])]
    if (remark := projection.remark(codes)) and not args.json:
        print(remark)
    buffer = io.BytesIO()
    np.savez(buffer, codes=codes, embedding=found["embedding"], labels=found["labels"])
    write_bytes(out, buffer.getvalue(), advice=OUT)
    return wrote(args, run_id, out, method=args.method, images=len(codes), remark=remark)


def evaluate(args: argparse.Namespace) -> Json:
    """log P(X) of test images, and what their codes are like."""
    import numpy as np
    from rich.progress import Progress as Bar

    from vae_core.analysis import tails
    from vae_core.jobs import artifacts

    store = Store()
    run_id = store.resolve(args.run)
    codes = artifacts.codes(store, run_id)
    with Bar(console=console(), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("log P(X)", total=None)
        found = artifacts.log_px(
            store, run_id, args.samples, args.limit, lambda done, n, _map: bar.update(task, completed=done, total=n)
        )
        inside = bar.add_task("parts of the KL", total=None)
        facts = artifacts.diagnostics(store, run_id, lambda done, n, _map: bar.update(inside, completed=done, total=n))
    n = len(found["log_px"])
    kl = artifacts.kl_per_dim(codes)[:n].sum(1)
    info = store.get(run_id)
    result: Json = {
        "run_id": run_id,
        "images": n,
        "samples": args.samples,
        "elbo": float((codes["reconstruction"][:n] - kl).mean(dtype=np.float64)),
        "log_px": float(found["log_px"].mean()),
        "log_px_stderr": float(np.sqrt(np.square(found["stderr"]).sum()) / n),
        "effective_samples": float(np.median(found["ess"])),
        "heavy_tails": int((found["tail"] > tails.HEAVY).sum()),
        # From here on over all test images, whatever the limit.
        **{name: facts[name] for name in _INSIDE},
        "collapsed": [f"z{one['dim'] + 1}" for one in facts["findings"] if one["state"] == "collapsed"],
        "is_log_likelihood": bool(info.result and info.result.is_log_likelihood),
    }
    if not args.json:
        print(as_json(result, indent=2))
        if result["heavy_tails"]:
            print(
                f"For {result['heavy_tails']} of the {n} images few weights carry the estimate (k̂ above "
                f"{tails.HEAVY}): their log P(X) is likely too low, and its error larger than stated. More samples "
                "help; `elbo gap` bounds it from both sides."
            )
        print(kl_in_words(facts))
        print(*(one["sentence"] for one in facts["findings"]), sep="\n")
    return result


def kl_in_words(facts: dict[str, Any]) -> str:
    """The KL and its three parts, which add up as they are printed."""
    parts = [facts["mutual_information"], facts["total_correlation"], sum(facts["dimension_wise_kl"])]
    (information, correlation, by_dimension), rate = adding(parts)
    return (
        f"KL {nats(rate)} = I(X; z) {nats(information)} (at most log N = {nats(facts['mutual_information_ceiling'])}) "
        f"+ total correlation {nats(correlation)} + by dimension {nats(by_dimension)} nats per image"
    )


_INSIDE = (
    "active_units",
    "mutual_information",
    "mutual_information_stderr",
    "total_correlation",
    "total_correlation_stderr",
    "marginal_kl",
    "marginal_kl_stderr",
    "rate",
    "distortion",
)
"""What `elbo evaluate` passes on of `artifacts.diagnostics`."""


def identity(args: argparse.Namespace) -> Json:
    """Both sides of the identity behind the ELBO, for one test image."""
    from vae_core import data
    from vae_core.analysis import bounds
    from vae_core.networks.onnx_ import OnnxScorer
    from vae_core.store import models

    store = Store()
    run_id = store.resolve(args.run)
    config = store.get(run_id).config
    scorer = OnnxScorer(models.load(store, run_id))
    x = data.test_images(config.dataset, config.binarize).x
    if not 0 <= args.image < len(x):
        raise ConfigError(f"image={args.image}: give a test image from 0 to {len(x) - 1}")
    terms = bounds.identity(scorer, data.to_unit(x[args.image]))
    result: Json = {"run_id": run_id, "image": args.image, **asdict(terms)}
    if not args.json:
        print(as_json(result, indent=2))
    return result


def gap(args: argparse.Namespace) -> Json:
    """The gap between log P(X) and the ELBO, from both sides and split in two, for any number of dimensions."""
    import numpy as np

    from vae_core import data
    from vae_core.analysis import annealing
    from vae_core.analysis.amortisation import fit_q
    from vae_core.jobs import artifacts

    store = Store()
    run_id = store.resolve(args.run)
    model = artifacts.load_model(store, run_id)
    rng = np.random.default_rng(args.seed)
    if args.simulated:
        x, codes = annealing.simulate(model, args.limit, rng)
    else:
        config = store.get(run_id).config
        images = data.test_images(config.dataset, config.binarize).x[: args.limit]
        x, codes = data.to_unit(images), None
    settings = annealing.Annealing(chains=args.chains, temperatures=args.temperatures, start="q")
    bounds = annealing.bracket(model, x, settings, rng, codes)
    means, fitted = annealing.between(bounds), fit_q(model, x, rng)
    elbo = float(fitted.amortised.mean())
    result: Json = {
        "run_id": run_id,
        "images": len(x),
        "simulated": args.simulated,
        "elbo": elbo,
        "log_px_lower": means.lower,
        "log_px_lower_stderr": means.lower_stderr,
        "log_px_upper": means.upper,
        "log_px_upper_stderr": means.upper_stderr,
        "agreement": means.agreement,
        "upper_is_bound": bounds.upper_is_bound,
        "gap_lower": means.lower - elbo,
        "gap_upper": means.upper - elbo,
        "amortisation_gap": float(fitted.gain.mean()),
        "amortisation_gap_stderr": float(np.sqrt(np.square(fitted.gain_stderr).sum()) / len(x)),
        "posterior": model.design.posterior,
        "acceptance": bounds.acceptance,
        "is_log_likelihood": bounds.is_log_likelihood,
    }
    if not args.json:
        print(as_json(result, indent=2))
        print(*_gap_in_words(means, bounds.upper_is_bound), sep="\n")
        if args.simulated and not bounds.is_log_likelihood:
            print(
                "The simulated images are zeros and ones drawn from P(X|z), and the model was trained on grey pixels: "
                "this is the gap on images that its encoder never saw. Leave out --simulated for the gap on its data."
            )
    return result


def _gap_in_words(means: Between, is_bound: bool) -> list[str]:
    lower, upper = (
        f"{nats(means.lower)} ± {nats(means.lower_stderr)}",
        f"{nats(means.upper)} ± {nats(means.upper_stderr)}",
    )
    words = {
        "apart": f"log P(X) lies between {lower} and {upper} nats.",
        "agree": f"From below {lower}, from above {upper} nats: the two agree within their errors.",
        "contradict": f"From below {lower}, from above {upper} nats: upside down by more than the errors say; take "
        "more --chains or --temperatures.",
    }
    return [words[means.agreement]] + ([] if is_bound else ["The figure from above is close to a bound, not one."])
