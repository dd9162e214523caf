"""What a page shows in place of a derived thing that is not there yet: that it comes, or why it does not."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.chrome import ask, say
from app.facts import asking
from vae_core.jobs.derived import Thing
from vae_core.jobs.queue import Look
from vae_core.store import RunInfo

ENCODING = "Encoding the test images; this takes a few seconds, once for each model."


def is_given_up(run: RunInfo, thing: Thing, look: Look, before: str = "") -> bool:
    """Show why it failed or that it was cancelled, after the words `before`, with a button; whether that is so."""
    if look.state not in ("failed", "cancelled"):
        return False
    say.error(look.reason or "This was cancelled", before)
    st.button(
        "Try again",
        icon=":material/refresh:",
        key=f"again-{run.run_id}-{thing.name}",
        on_click=asking.again,
        args=(run, thing, ask.visitor()),
    )
    return True


def cancel_button(looks: Sequence[tuple[RunInfo, Look]], thing: Thing, what: str = "") -> None:
    """A button that ends what is waited for; only for who asked for it. `what` tells it from another beside it."""
    mine = [run for run, look in looks if look.state in ("waiting", "running") and ask.may_drop(look.by)]
    if mine:
        st.button(
            f"Cancel {what}".strip(),
            key=f"cancel-{mine[0].run_id}-{thing.name}",
            on_click=asking.drop,
            args=(mine, thing),
        )


def for_all(runs: Sequence[RunInfo], thing: Thing, text: str = ENCODING) -> None:
    """Ask for the thing of each of these models, and say how that stands."""
    looks = [(run, asking.want(run, thing, by=ask.visitor())) for run in runs]  # all are asked for at once
    if any(is_given_up(run, thing, look) for run, look in looks):
        return
    ahead = max((look.ahead for _, look in looks if look.state == "waiting"), default=0)
    reason = next((look.reason for _, look in looks if look.reason), "")
    if reason:
        st.info(say.plain(reason))
    elif ahead > 1:
        st.info(f"{text} {ahead} others come first.")
    else:
        st.info(text)
    cancel_button(looks, thing)
