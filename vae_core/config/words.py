"""Numbers in sentences: as few letters as say it, never a rounded −0, never thirty digits, and sums that add up.

The page's twin is `frontend/kit/numbers.js`; both round alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal


def plain(value: float) -> str:
    """A bound or a setting as a person would type it: 2147483647, 0.001, 1e-07."""
    if isinstance(value, int) and abs(value) >= 10**15:
        return f"a number of {int(value.bit_length() * math.log10(2)) + 1} digits"
    if isinstance(value, int) or (value % 1 == 0 and abs(value) < 1e15):
        return str(int(value))
    return f"{value:g}"


def nats(value: float, digits: int = 2) -> str:
    """A figure in nats: 2 digits after the point, no sign on what rounds to 0, powers of ten from a million on."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "∞" if value > 0 else "−∞"
    text = f"{_rounded(value, digits):f}" if abs(value) < 1e6 else f"{value:.2e}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−", 1) if text.startswith("-") else text


def adding(parts: Sequence[float], digits: int = 2) -> tuple[list[float], float]:
    """Numbers as they are to be printed in a sum: its parts, with their signs, and what they add up to.

    The sum is rounded as it would be alone, for it is what is compared with other sums. So are the parts, and the
    largest of them then take what is missing, a last digit each: of −131.2 that is a thousandth, of a KL of 7.1 a
    seventieth, of 0.0 all. Numbers that are not finite, or too large for the digits, stay as they are.
    """
    total = 0.0
    for part in parts:  # one after another, as the page does: `sum` would round less
        total += part
    if not all(abs(value) < 1e12 for value in (*parts, total)):
        return list(parts), total
    scale = 10**digits
    units = [int(_rounded(part, digits).scaleb(digits)) for part in parts]
    whole = int(_rounded(total, digits).scaleb(digits))
    missing = whole - sum(units)
    largest = sorted(range(len(parts)), key=lambda i: -abs(parts[i]))
    for i in largest[: abs(missing)]:
        units[i] += 1 if missing > 0 else -1
    return [unit / scale for unit in units], whole / scale


def elbo(reconstruction: float, kl: float, digits: int = 2) -> tuple[str, str, str]:
    """ELBO, reconstruction and KL as they are printed wherever they stand together: ELBO = reconstruction − KL."""
    (first, second), whole = adding([reconstruction, -kl], digits)
    return nats(whole, digits), nats(first, digits), nats(-second, digits)


def _rounded(value: float, digits: int) -> Decimal:
    """The nearest of so many digits after the point; of two equally near ones that farther from 0, as in the page."""
    return Decimal(float(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
