"""The walls between the rooms: who may import whom, and what must not be imported before a person waits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vae_core.store import Store

ROOT = Path(__file__).parents[1]
SLOW = ("torch", "sklearn", "scipy", "openTSNE", "onnx", "onnxruntime")


def test_every_contract_is_kept() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_a_broken_contract_would_be_noticed(tmp_path: Path) -> None:
    # The checker itself is checked: a copy in which a lower room imports a higher one.
    import shutil

    for name in ("vae_core", "app"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "frontend"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "vae_core" / "training" / "objectives.py").open("a") as file:
        file.write("\nimport vae_core.jobs.run\nimport streamlit\n")
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "2 broken" in done.stdout


@pytest.mark.parametrize(
    "modules",
    [
        "vae_core",
        "vae_core.__main__",
        "vae_core.jobs.queue, vae_core.store, vae_core.jobs.artifacts",
        "vae_core.config, vae_core.data, vae_core.config.events, vae_core.store.export, vae_core.networks.onnx_",
        "vae_core.analysis.projection",
        "app.main",
        "app.server",
    ],
)
def test_nothing_slow_stands_before_the_first_picture(modules: str) -> None:
    program = f"import sys, {modules}; print(*sorted({SLOW!r} & sys.modules.keys()))".replace(
        repr(SLOW), repr(set(SLOW))
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "\n"


@pytest.mark.parametrize("arguments", [["runs"], ["show", "mnist-mlp-2d"]])
def test_commands_that_only_look_do_not_wait_for_torch(arguments: list[str], home: Store) -> None:
    program = f"import sys; from vae_core.__main__ import main; main({arguments!r}); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_global_seed_no_pickle_no_utils() -> None:
    for path in [*(ROOT / "vae_core").rglob("*.py"), *(ROOT / "app").rglob("*.py")]:
        text = path.read_text()
        assert path.name != "utils.py"
        for forbidden in ("torch.manual_seed(", "np.random.seed(", "import pickle", "torch.save(", "torch.load("):
            assert forbidden not in text, f"{path.name}: {forbidden}"
