"""Grids of pictures as image files. Pixels are enlarged by whole factors, never smoothed."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vae_core.config.errors import OUT
from vae_core.store.files import write_bytes

GAP = 1
"""Pixels between pictures, before enlargement."""


def grid(x: NDArray[np.uint8], columns: int, scale: int = 2) -> Image.Image:
    """Pictures (N, C, H, W) uint8, C = 1 or 3, row by row."""
    n, channels, height, width = x.shape
    rows = -(-n // columns)
    canvas = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, channels), 255, np.uint8)
    for i, picture in enumerate(x):
        top, left = (i // columns) * (height + GAP), (i % columns) * (width + GAP)
        canvas[top : top + height, left : left + width] = picture.transpose(1, 2, 0)
    image = Image.fromarray(canvas[:, :, 0] if channels == 1 else canvas)
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)


def save(image: Image.Image, path: Path) -> None:
    """Write a PNG, whole or not at all. Raises `StoreError`."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    write_bytes(path, buffer.getvalue(), advice=OUT)
