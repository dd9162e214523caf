"""Whatever is asked of it, `elbo` ends with a sentence: never a traceback, never half a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_app import free_port
from tests.conftest import Run, listing
from vae_core.__main__ import main
from vae_core.cli.printing import as_json
from vae_core.config.catalogue import OBJECTIVES
from vae_core.config.run_config import CHOICES, RANGES
from vae_core.config.settings import settings
from vae_core.store import Store

RUNS = [
    "",
    " ",
    "nothing",
    "x" * 300,
    "a\0b",
    "..",
    ".",
    "../../etc",
    "/etc/passwd",
    "a/b",
    "\udc80",
    "é" * 200,
    "*",
    "-",
]
NUMBERS = ["", "x", "nan", "inf", "-1", "1.5.5", "9" * 400, "1e400", "0x10", "٣x", "\0"]
OUTS = ["", "OUT", "OUT/none/x", "OUT/file/x", "OUT/closed/x", "/proc/x", "x\0y", "OUT/" + "y" * 300]
TAKES_RUN = ["show", "label", "delete", "traverse", "reconstruct", "project", "evaluate", "identity", "gap", "export"]
NEEDED = {
    "traverse": ["--out", "OUT/ok.png"],
    "reconstruct": ["--out", "OUT/ok.png"],
    "project": ["--out", "OUT/ok.npz"],
    "export": ["--out", "OUT/ok"],
    "identity": ["--image", "0"],
}
COUNTED = [
    *[("reconstruct", "--limit"), ("project", "--limit"), ("project", "--perplexity"), ("project", "--seed")],
    *[("evaluate", "--samples"), ("evaluate", "--limit"), ("identity", "--image"), ("gap", "--limit")],
    *[("gap", "--chains"), ("gap", "--temperatures"), ("gap", "--seed"), ("app", "--port"), ("app", "--max-waiting")],
]


def asked() -> list[list[str]]:
    """Every command with each bad argument that it could get."""
    found: list[list[str]] = [[], ["dance"], ["--dance"], ["runs", "x"], ["objectives", "--dance"], ["starters", "x"]]
    for command in TAKES_RUN:
        found += [[command, *NEEDED.get(command, []), "--", run] for run in RUNS]
        found.append([command])
    for command, option in COUNTED:
        run = [] if command == "app" else ["digits"]
        bad = [number for number in NUMBERS if not (option == "--perplexity" and number == "0x10")]
        found += [[command, *NEEDED.get(command, []), f"{option}={number}", *run] for number in bad]
    for command in ("traverse", "reconstruct", "project", "export"):
        # An export makes its folder. Root may write into /proc, as far as can be asked beforehand; a map is kept then.
        fine = {"export": ("", "OUT", "OUT/none/x"), "project": ("/proc/x",)}.get(command, ())
        found += [[command, "digits", "--out", out] for out in OUTS if out not in fine]
    found += [["starters", "--out", out] for out in ("OUT/file/x", "OUT/closed/x", "x\0y")]
    for name, setting in settings().items():
        flag = f"--{name.replace('_', '-')}"
        words = ["nowhere", "", "x" * 300] if setting.kind == "word" else NUMBERS
        found += [["train", f"{flag}={word}"] for word in words if (name, word) != ("sigma", "")]
        if name in RANGES:
            low, high = RANGES[name]
            more = ["--likelihood=gaussian"] if name == "sigma" else []
            found += [["train", f"{flag}={value}", *more] for value in (low - 1, high + 1)]
    found += [["train", "--preset", word] for word in ("nowhere", "", "x" * 300)]
    return found


@pytest.fixture
def place(copied: Run, tmp_path: Path) -> Path:
    """A folder to write to, with a file and a folder that nothing can be written into."""
    out = tmp_path / "out"
    (out / "closed").mkdir(parents=True)
    (out / "file").write_text("mine")
    return out


def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """`closed` cannot be written, even by root, who may write everywhere."""
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "closed" not in str(path) and access(path, mode))


def test_every_bad_request_is_one_line_and_writes_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    closed(monkeypatch)
    before = listing(place.parent)
    requests = asked()
    assert len(requests) > 500
    wrong = []
    for request in requests:
        words = [word.replace("OUT", str(place)) for word in request]
        if words[:1] == ["app"]:
            words += ["--port", str(free_port())] if not any("--port" in word for word in words) else []
        try:
            code = main(words)
        except SystemExit as exit_:
            code = exit_.code
        out, err = capsys.readouterr()
        fine = (code, out) == (2, "") and err.startswith("elbo") and err.count("\n") == 1 and len(err) < 2500
        if not fine or "ELBO_HOME" in err:
            wrong.append((request, code, out, err))
    assert not wrong, "\n".join(map(str, wrong))
    assert listing(place.parent) == before


def test_whole_numbers_are_written_out(home: Store, capsys: pytest.CaptureFixture[str]) -> None:
    for words, says in (
        (["--seed", "-1"], "seed=-1: give a number from 0 to 2147483647"),
        (["--batch-size", "0"], "batch_size=0: give a number from 1 to 8192"),
        (["--lr", "2"], "learning_rate=2: give a number from 1e-07 to 1"),
        (["--epochs", "9" * 400], "give a whole number"),
    ):
        assert main(["train", *words]) == 2
        assert says in capsys.readouterr().err


def test_json_has_no_numbers_that_json_does_not_know() -> None:
    nan, inf = float("nan"), float("inf")
    assert json.loads(as_json({"a": [nan, 1.5, {"b": inf}], "c": (-inf, 2)})) == {
        "a": [None, 1.5, {"b": None}],
        "c": [None, 2],
    }


# -- the arguments are the configuration's


def test_every_field_has_words_and_a_range_or_choices() -> None:
    for name, setting in settings().items():
        assert setting.help, name
        assert setting.allowed or name == "hidden", name
        assert not setting.choices or setting.default in setting.choices
    assert set(CHOICES) | set(RANGES) <= set(settings())
    for entry in OBJECTIVES.values():
        for parameter in entry.parameters:
            one = settings()[parameter.name]
            assert entry.name in one.owners
            assert (one.low, one.high, one.choices) == (parameter.low, parameter.high, parameter.choices)


def test_help_says_what_the_docstrings_say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "2000")
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    out = capsys.readouterr().out
    for setting in settings().values():
        assert setting.help.rstrip(".") in out
        assert setting.allowed in out


# -- as a process


def elbo(*arguments: str, home: Path, **how: object) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "ELBO_HOME": str(home), **how.pop("env", {})}  # type: ignore[dict-item]
    return subprocess.run([sys.executable, "-m", "vae_core", *arguments], env=environment, timeout=200, **how)  # type: ignore[call-overload]


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437"])
@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["objectives"], ["runs"], ["train"]])
def test_output_takes_any_encoding(encoding: str, arguments: list[str], tmp_path: Path) -> None:
    if arguments == ["train"]:
        arguments = ["train", "--dataset", "digits", "--hidden", "8", "--epochs", "1"]
    env = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = elbo(*arguments, home=tmp_path, env=env, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode(encoding)
    assert "?" not in text.replace("How", "")
    if arguments[0] == "train" and "--help" not in arguments:
        assert "= reconstruction -" in text
        assert " KL " in text


def test_a_reader_that_has_read_enough_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = elbo("objectives", home=tmp_path, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
@pytest.mark.parametrize("arguments", [["runs"], ["runs", "--json"], ["objectives"]])
def test_output_that_is_full_is_one_sentence(arguments: list[str], tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = elbo(*arguments, home=tmp_path, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr.decode().startswith("elbo: standard output cannot be written")
    assert done.stderr.count(b"\n") == 1


def test_an_interrupt_while_it_is_imported_is_no_traceback(tmp_path: Path) -> None:
    program = (
        "import sys, os, signal\n"
        # What a shell starts in the background has it ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Slow:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'vae_core.cli': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Slow())\n"
        "from vae_core.__main__ import main\n"
        "sys.exit(main(['runs']))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "elbo: interrupted\n")


def test_a_mistake_of_ours_is_a_sentence_too(
    home: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_store: Store) -> None:
        raise KeyError("rate")

    monkeypatch.setattr(Store, "infos", broken)
    assert main(["runs"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("elbo: KeyError: 'rate'")
    assert err.count("\n") == 1
    monkeypatch.setenv("ELBO_DEBUG", "1")
    with pytest.raises(KeyError):
        main(["runs"])
