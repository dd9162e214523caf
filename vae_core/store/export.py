"""A trained model for others: a manifest (JSON) and raw float32 weights, or ONNX; and what the page is sent."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from vae_core.config.errors import OUT, CorruptFileError, StoreError
from vae_core.networks.model import Model
from vae_core.networks.page_ import manifest
from vae_core.store.files import Arrays, explained, read_json, to_text, write_together
from vae_core.store.layout import is_there


def model_blob(model: Model) -> bytes:
    """The networks in one safetensors byte string with the manifest in its metadata: what travels to the page."""
    return blob(model.weights(), {"manifest": json.dumps(manifest(model), allow_nan=False)})


def blob(arrays: Arrays, metadata: dict[str, str] | None = None) -> bytes:
    """Named arrays as one safetensors byte string, as the page reads them."""
    return save({name: np.asarray(a, order="C") for name, a in arrays.items()}, metadata)


def export(model: Model, folder: Path, *, onnx: bool = False) -> list[Path]:
    """Write `manifest.json` and `weights.bin` (little-endian float32, at the manifest's offsets, in floats).

    With `onnx`, `encoder.onnx` and `decoder.onnx` beside them. The manifest names all the files.
    """
    offsets: dict[str, dict[str, Any]] = {}
    raw, position = bytearray(), 0
    for name, array in sorted(model.weights().items()):
        offsets[name] = {"offset": position, "shape": list(array.shape)}
        position += array.size
        raw += np.ascontiguousarray(array, dtype="<f4").tobytes()
    content: dict[Path, bytes] = {folder / "weights.bin": bytes(raw)}
    if onnx:
        content |= {folder / name: network for name, network in _onnx(model).items()}
    first = folder / "manifest.json"
    paths = [first, *content]
    with explained(first, OUT):
        folder.mkdir(parents=True, exist_ok=True)
    _refuse_what_is_not_ours(first, paths)
    described = {**manifest(model), "files": [path.name for path in paths], "tensors": offsets}
    content[first] = (to_text(described, first, indent=1) + "\n").encode()
    write_together(content, advice=OUT)
    return paths


def _onnx(model: Model) -> dict[str, bytes]:
    """Each network as the bytes of an ONNX file, by the file's name."""
    from vae_core.networks.onnx_ import proto

    networks = {"encoder": model.design.encoder, "decoder": model.design.decoder}
    return {
        f"{name}.onnx": proto(graph, model.tensors, name).SerializeToString()
        for name, graph in networks.items()
        if graph is not None
    }


def _refuse_what_is_not_ours(manifest: Path, paths: Iterable[Path]) -> None:
    """Raise `StoreError` where a file of one of these names is there that is no earlier export."""
    ours: set[str] = set()
    with contextlib.suppress(CorruptFileError, FileNotFoundError):
        kept = read_json(manifest)
        if {"format", "decoder", "tensors"} <= kept.keys():
            ours = {str(name) for name in kept.get("files", ("manifest.json", "weights.bin"))}
    if found := [path for path in paths if path.name not in ours and is_there(path)]:
        raise StoreError(f"{found[0]}: not an export of Elbo Room; move it away or choose another folder with --out")
