"""The data sets that can be named, each once: what they are, their size, and the checksum of their file.

A new one is an entry here, and its file in `assets/data` with the arrays `train_x`, `train_labels`, `test_x`,
`test_labels` (`vae_core/data`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Source:
    """What is known of a data set before it is read."""

    title: str
    """As people write it."""
    about: str
    """One sentence for whoever has to choose."""
    thing: str
    """What one of its images is of."""
    shape: tuple[int, int, int]
    """(C, H, W) of an image."""
    train: int
    """Images to learn from."""
    test: int
    """Images that no gradient sees."""
    epochs: int
    """How many a first model of it takes to look like its pictures."""
    sha256: str
    """Of the file `assets/data/<name>.npz`."""


DATASETS: dict[str, Source] = {
    "mnist": Source(
        title="MNIST",
        about="60,000 handwritten digits, 28×28.",
        thing="digit",
        shape=(1, 28, 28),
        train=60_000,
        test=10_000,
        epochs=10,
        sha256="f7f03fac5cdf06aa681de0c2a6b4e9ddf7c30c8a07dd5326249ade1e5f849db2",
    ),
    "digits": Source(
        title="Digits 8×8",
        about="1,500 handwritten digits, 8×8: trained in a second.",
        thing="digit",
        shape=(1, 8, 8),
        train=1_500,
        test=297,
        epochs=100,
        sha256="859ae23b3b1534bad116a8df7c7bf9abc620571b373af6c20c907dbaa0e19fbe",
    ),
}
"""Name -> data set."""
