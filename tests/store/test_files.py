from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import listing
from vae_core.config.errors import CorruptFileError, StoreError
from vae_core.store import files

ARRAYS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.array([1, 2, 255], np.uint8),
    "scalar": np.float32(3.5).reshape(()),
    "half": np.linspace(0, 1, 5).astype(np.float16),
}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "some.safetensors"
    files.write_arrays(path, ARRAYS, {"step": 7, "name": "σ"})
    return path


def test_arrays_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    digest = files.write_arrays(path, ARRAYS, {"step": 7})
    back = files.read_arrays(path)
    assert back.meta == {"step": 7}
    assert back.sha256 == digest
    assert back.arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert back.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(back.arrays[name], array)


def test_what_is_not_contiguous_keeps_its_values(tmp_path: Path) -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4).T[::2]
    files.write_arrays(tmp_path / "x", {"x": array})
    np.testing.assert_array_equal(files.read_arrays(tmp_path / "x").arrays["x"], array)


def test_the_checksum_depends_on_every_part(tmp_path: Path) -> None:
    def digest(arrays: dict[str, Any], meta: dict[str, Any] | None = None) -> str:
        return files.write_arrays(tmp_path / "x", arrays, meta)

    x = np.zeros((2, 3), np.float32)
    digests = [
        digest({"x": x}),
        digest({"y": x}),
        digest({"x": x.reshape(3, 2)}),
        digest({"x": x.astype(np.int32)}),
        digest({"x": x + 1}),
        digest({"x": x}, {"step": 1}),
    ]
    assert len(set(digests)) == len(digests)
    assert digest({"x": x}) == digests[0]


def test_a_change_of_any_one_byte_is_noticed(written: Path) -> None:
    whole = written.read_bytes()
    for position in range(len(whole)):
        for change in (0x01, 0xFF):
            damaged = bytearray(whole)
            damaged[position] ^= change
            written.write_bytes(damaged)
            with pytest.raises(CorruptFileError, match=r"some\.safetensors: .*damaged|larger than"):
                files.read_arrays(written)
    written.write_bytes(whole)
    assert files.read_arrays(written).meta["step"] == 7


def test_a_file_cut_off_anywhere_is_noticed(written: Path) -> None:
    whole = written.read_bytes()
    for length in range(len(whole)):
        written.write_bytes(whole[:length])
        with pytest.raises(CorruptFileError, match=r"some\.safetensors"):
            files.read_arrays(written)
    written.write_bytes(whole + b"\0")
    with pytest.raises(CorruptFileError, match=r"some\.safetensors"):
        files.read_arrays(written)


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    import pickle

    marker = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(marker),)

    (tmp_path / "trap.safetensors").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(CorruptFileError):
        files.read_arrays(tmp_path / "trap.safetensors")
    assert not marker.exists()


def test_a_missing_file_is_missing_not_damaged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.read_arrays(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        files.read_json(tmp_path / "none")


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(files.MAX_ARRAY_FILE + 1)  # a hole: no disk is used
    with pytest.raises(CorruptFileError, match="larger than 2 GiB"):
        files.read_arrays(tmp_path / "huge")


@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"null", b'{"a": "\xff"}', b"\x00\x01"])
def test_json_that_is_no_object_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(CorruptFileError, match=r"x\.json: .*damaged"):
        files.read_json(tmp_path / "x.json")


def test_json_round_trip(tmp_path: Path) -> None:
    value = {"b": [1, 2.5, None], "a": {"σ": "ü"}}
    files.write_json(tmp_path / "x.json", value)
    assert files.read_json(tmp_path / "x.json") == value


@pytest.mark.parametrize("where", ["write", "fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EIO])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, code: int
) -> None:
    path = tmp_path / "x.json"
    files.write_json(path, {"old": True})
    before = listing(tmp_path)

    def fail(*_args: Any, **_more: Any) -> Any:
        raise OSError(code, os.strerror(code))

    if where == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    elif where == "replace":
        monkeypatch.setattr(Path, "replace", fail)
    else:
        opened = os.fdopen

        def half(*args: Any) -> Any:
            file = opened(*args)
            file.write(b"{")
            monkeypatch.setattr(file, "write", fail, raising=False) if hasattr(file, "__dict__") else None
            return _Failing(file, fail)

        monkeypatch.setattr(os, "fdopen", half)
    with pytest.raises(StoreError) as caught:
        files.write_json(path, {"new": True})
    monkeypatch.undo()
    message = str(caught.value)
    assert str(tmp_path) in message
    assert ("disk is full" if code in (errno.ENOSPC, errno.EDQUOT) else "cannot be written") in message
    assert listing(tmp_path) == before


class _Failing:
    """A file whose disk fills up in the middle of a write."""

    def __init__(self, file: Any, fail: Any) -> None:
        self.file, self.write = file, fail

    def __enter__(self) -> _Failing:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


def test_a_write_that_is_interrupted_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write_bytes(tmp_path / "x", b"abc")
    assert listing(tmp_path) == {}


def test_the_content_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        order.append("fsync folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "fsync")  # noqa: PTH112
        fsync(descriptor)

    def replaced(self: Path, target: Path) -> Path:
        order.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    files.write_bytes(tmp_path / "x", b"abc")
    assert order[:2] == ["fsync", "rename"]
    assert len(order) == 3


def test_who_reads_while_another_writes_sees_one_or_the_other(tmp_path: Path) -> None:
    path, versions = tmp_path / "x", [{"x": np.full(5000, i, np.float32)} for i in range(2)]
    files.write_arrays(path, versions[0])
    done = threading.Event()

    def write() -> None:
        for i in range(200):
            files.write_arrays(path, versions[i % 2], durable=False)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen: set[float] = set()
    try:
        while not done.is_set():
            x = files.read_arrays(path).arrays["x"]
            assert (x == x[0]).all()
            seen.add(float(x[0]))
    finally:
        writer.join()
    assert seen == {0.0, 1.0}


def test_below_a_regular_file_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be written .*choose another folder with ELBO_HOME"):
        files.write_bytes(tmp_path / "file" / "x", b"")
