"""What a page shows in place of a derived thing that is not there yet: that it comes, or why it does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

import streamlit as st

from app.chrome import ask, say
from app.facts import asking
from vae_core.jobs.derived import Thing
from vae_core.jobs.queue import Look
from vae_core.store import RunInfo

ENCODING = "Encoding the test images; this takes a few seconds, once for each model."
GIVEN_UP = ("failed", "cancelled")
GOES_ON = ("waiting", "running")


def is_given_up(run: RunInfo, thing: Thing, look: Look, before: str = "") -> bool:
    """Show why it failed or that it was cancelled, after the words `before`, with a button; whether that is so."""
    if look.state not in GIVEN_UP:
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
    mine = [run for run, look in looks if look.state in GOES_ON and ask.may_drop(look.by)]
    if mine:
        st.button(
            f"Cancel {what}".strip(),
            key=f"cancel-{mine[0].run_id}-{thing.name}",
            on_click=asking.drop,
            args=(mine, thing),
        )


def for_all(runs: Sequence[RunInfo], thing: Thing, text: str = ENCODING, *, fills: bool = False) -> None:
    """Ask for the thing of each of these models, and say how that stands.

    Where it `fills` the page, the place has the height of what comes: nothing jumps then.
    """
    looks = [(run, asking.want(run, thing, by=ask.visitor())) for run in runs]  # all are asked for at once
    if any(is_given_up(run, thing, look) for run, look in looks):
        return
    reason = next((look.reason for _, look in looks if look.reason), "")
    key = f"coming-{'page' if fills else 'line'}-{thing.name}"  # its look is in `page.css`
    with st.container(key=key, horizontal_alignment="center", vertical_alignment="center", gap="small"):
        st.markdown(say.plain(reason) if reason else _with_ahead(text, looks))
        cancel_button(looks, thing)


def _with_ahead(text: str, looks: Sequence[tuple[RunInfo, Look]]) -> str:
    ahead = max((look.ahead for _, look in looks if look.state == "waiting"), default=0)
    return f"{text} {ahead} others come first." if ahead > 1 else text


class Waiting(TypedDict):
    """How it stands with what a component waits for, which says so itself; its text is no Markdown."""

    text: str
    failed: bool
    button: Literal["", "retry", "cancel"]
    """What a press on the button there asks for."""


def of_component(looks: Sequence[tuple[RunInfo, Look]], text: str) -> Waiting:
    """The same as `for_all` says and offers, for a component."""
    given_up = [look for _, look in looks if look.state in GIVEN_UP]
    if given_up:
        why = say.sentence(given_up[0].reason or "This was cancelled")
        return {"text": f"{why[: say.LONGEST].rstrip('.')}.", "failed": True, "button": "retry"}
    reason = next((look.reason for _, look in looks if look.reason), "")
    mine = any(ask.may_drop(look.by) for _, look in looks if look.state in GOES_ON)
    said = say.sentence(reason)[: say.LONGEST] if reason else _with_ahead(text, looks)
    return {"text": said, "failed": False, "button": "cancel" if mine else ""}


def retry(looks: Sequence[tuple[RunInfo, Look]], thing: Thing) -> None:
    """Ask once more for those that were given up."""
    for run, look in looks:
        if look.state in GIVEN_UP:
            asking.again(run, thing, ask.visitor())


def cancel(looks: Sequence[tuple[RunInfo, Look]], thing: Thing) -> None:
    """End those that this visitor may end."""
    asking.drop([run for run, look in looks if look.state in GOES_ON and ask.may_drop(look.by)], thing)
