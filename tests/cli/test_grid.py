from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import listing
from vae_core.cli import grid
from vae_core.config.errors import StoreError


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [1, 3])
def test_every_pixel_is_where_it_belongs(channels: int, scale: int) -> None:
    x = np.random.default_rng(0).integers(0, 256, (5, channels, 4, 6)).astype(np.uint8)
    image = grid.grid(x, columns=3, scale=scale)
    assert image.size == ((3 * 7 - 1) * scale, (2 * 5 - 1) * scale)
    shown = np.asarray(image).reshape(image.height, image.width, channels)
    for i, picture in enumerate(x):
        top, left = (i // 3) * 5 * scale, (i % 3) * 7 * scale
        cell = shown[top : top + 4 * scale : scale, left : left + 6 * scale : scale]
        np.testing.assert_array_equal(cell, picture.transpose(1, 2, 0))
    # Enlarged, never smoothed: no colour that was not there.
    assert set(np.unique(shown)) <= set(np.unique(x)) | {255}
    assert (shown[5 * scale :, 2 * 7 * scale :] == 255).all()  # the place of the sixth is empty


def test_a_png_is_lossless(tmp_path: Path) -> None:
    x = np.arange(64, dtype=np.uint8).reshape(1, 1, 8, 8)
    image = grid.grid(x, 1, scale=1)
    grid.save(image, tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as back:
        assert back.format == "PNG"
        np.testing.assert_array_equal(np.asarray(back), x[0, 0])
    assert list(listing(tmp_path)) == ["x.png"]


def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        grid.save(Image.new("L", (2, 2)), tmp_path / "none" / "x.png")
