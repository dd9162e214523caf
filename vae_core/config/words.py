"""Numbers in sentences: as few letters as say it, never a rounded −0, never thirty digits."""

from __future__ import annotations

import math


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
    text = f"{value:.{digits}f}" if abs(value) < 1e6 else f"{value:.2e}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−", 1) if text.startswith("-") else text
