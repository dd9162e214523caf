"""Adds what is printed: formulas and sums in words, as they stand on a page or in a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

NUMBER = r"[−-]?\d+(?:\.\d+)?"


def exactly(text: str) -> Decimal:
    return Decimal(text.replace("−", "-"))


def unit(text: str) -> Decimal:
    """The worth of the last digit."""
    return Decimal(1).scaleb(-len(text.partition(".")[2]))


# -- formulas


def chains(formula: str) -> list[list[str]]:
    """What is equal to what: of each equation the sides that are numbers alone, where there are two at least."""
    found: list[list[str]] = []
    for equation in formula.split(";"):
        sides = [re.sub(r"(?<=\d)\s*\?\s*$", "", side.strip()).strip() for side in equation.split("=")]
        known = [side for side in sides if re.fullmatch(rf"(?:{NUMBER}|[()+−·\s-])+", side)]
        if len(known) > 1:
            found.append(known)
    return found


def worth(side: str) -> Decimal:
    """What a side comes to."""
    spelled = re.sub(r"\d+(?:\.\d+)?", lambda number: f"Decimal('{number[0]}')", side.replace("−", "-"))
    return Decimal(eval(spelled.replace("·", "*"), {"Decimal": Decimal}))  # numbers, signs and brackets: see `chains`


def wrong(chain: list[str]) -> str:
    """Why a chain does not hold; empty if it does. A product is right to the last digit of what stands for it."""
    for side, other in pairwise(chain):
        off = abs(worth(side) - worth(other))
        product = "·" in side + other
        allowed = unit(other if "·" in side else side) / 2 if product else Decimal(0)
        if off > allowed:
            return f"{side} = {other} is {off} off"
    return ""


# -- sums in words

ELBO = re.compile(rf"ELBO\s+({NUMBER})\s*(?:nats)?\s*=?\s*reconstruction\s+({NUMBER})\s*[−,]?\s*KL\s+({NUMBER})")
FIGURES = re.compile(rf"reconstruction\s+({NUMBER})\s+KL\s+({NUMBER})\s+ELBO\s+({NUMBER})")
JOINT = re.compile(rf"log P\(X\|z\)\s+({NUMBER})\s+\+\s+log P\(z\)\s+({NUMBER})\s+=\s+log P\(X, z\)\s+({NUMBER})")
PLANE = re.compile(
    rf"rate, the KL\s+({NUMBER}).*?distortion, −reconstruction\s+({NUMBER}).*?ELBO = −distortion − rate\s+({NUMBER})"
)
SPLIT = re.compile(rf"The encoder leaves\s+({NUMBER}) nats :\s+({NUMBER}) that a Q .*? ({NUMBER}) that no")


def in_words(text: str) -> Iterator[tuple[Decimal, str]]:
    """What is missing to each sum that is told in words, and its letters."""
    for found in ELBO.finditer(text):
        whole, first, second = map(exactly, found.groups())
        yield whole - first + second, found[0]
    for found in FIGURES.finditer(text):
        first, second, whole = map(exactly, found.groups())
        yield whole - first + second, found[0]
    for found in JOINT.finditer(text):
        first, second, whole = map(exactly, found.groups())
        yield whole - first - second, found[0]
    for found in SPLIT.finditer(text):
        whole, first, second = map(exactly, found.groups())
        yield whole - first - second, found[0]
    for found in PLANE.finditer(text):
        rate, distortion, whole = map(exactly, found.groups())
        yield whole + rate + distortion, found[0]
