"""Take the README's screenshots: every page at 1280×720, light and dark (`make gallery`).

    python -m tests.gallery [--size 1920x1080] [--out assets/gallery]

Trains one short run into a temporary home so that the training page has something to show.
"""

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.fixtures import EXPERIENCED, FLAGS, Server, chromium_path
from vae_core.config import RunConfig
from vae_core.jobs.artifacts import codes
from vae_core.jobs.run import run
from vae_core.jobs.starters import LAB_MODELS, STARTERS

SHOWN = RunConfig(latent_dim=2, epochs=10)


def main() -> None:
    """Every page, both themes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--out", type=Path, default=Path("assets/gallery"))
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        server = Server(Path(home))
        for _ in run(SHOWN, server.store):
            pass
        codes(server.store, SHOWN.run_id)
        server.start()
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
        try:
            for theme in ("light", "dark"):
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
                context.add_init_script(EXPERIENCED)  # nobody is asked before a picture is taken
                for name, url in _views(server).items():
                    page = context.new_page()
                    page.goto(url)
                    _settle(page)
                    page.screenshot(path=args.out / f"{name}-{theme}.png")
                    page.close()
                    print(args.out / f"{name}-{theme}.png")
        finally:
            browser.close()
            server.stop()


def _views(server: Server) -> dict[str, str]:
    plane, room = (config.run_id for config in STARTERS)
    return {
        "explore": server.url(run=plane, z="-0.4,0.9"),
        "explore10": server.url(run=room, z="1.2,0,0.3,-0.9,0.4,0,0,0.2,0,0"),
        "train": server.url("train", run=SHOWN.run_id),
        "reconstruct": server.url("reconstruct", run=room, draws="true"),
        "map": server.url("map", run=room, selected=7),
        "models": server.url("models"),
        "compare": server.url("compare", runs=",".join(config.run_id for config in (STARTERS[1], *LAB_MODELS[2:4]))),
        "gaussian": server.url("gaussian"),
        "reparameterisation": server.url("reparameterisation", run=plane),
        "beta": server.url("beta"),
        "lab": server.url("lab"),
        "hidden-beta": server.url("hidden-beta", loss="msbbb"),
        "rate-distortion": server.url("rate-distortion"),
        "gap": server.url("gap", run=plane, image=1),
        "sampling": server.url("sampling", run=plane, image=7, k=5000),
        "collapse": server.url("collapse"),
        "steps": server.url("steps", step=300),
    }


def _settle(page: Page) -> None:
    """Until Streamlit is idle and the pictures are painted."""
    page.wait_for_selector('[data-testid="stMainBlockContainer"]')
    page.wait_for_timeout(1500)
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_timeout(4000)


if __name__ == "__main__":
    main()
