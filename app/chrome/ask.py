"""What a visitor may ask of the queue: the pages' one door to it.

On a machine of one's own everything may be asked. Where strangers come (`Visitors`: `elbo app --host`), so many runs
may wait, each of so many minutes; and a run is paused, stopped or deleted by who asked for it. Who that is, the secret
cookie of the browser says; after a restart of the server nobody is known, and nobody's run is anybody's.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Literal

import streamlit as st

from app import session
from app.facts import estimate
from vae_core.config import RunConfig
from vae_core.config.errors import LimitError
from vae_core.config.visitors import Visitors
from vae_core.store import RunInfo

Wish = Literal["pause", "stop", "cancel", "resume"]


def submit(*configs: RunConfig) -> None:
    """Have these trained, all or none. Raises `LimitError`, `StoreError`."""
    rules = Visitors.from_environment()
    if rules.strangers:
        _within(rules, configs)
    for config in configs:
        run_id = session.jobs().submit(config, by=visitor())
        if session.store().get(run_id).status == "stopped":
            session.jobs().resume(run_id, by=visitor())
        _owners().setdefault(run_id, visitor())


def wish(what: Wish, run_id: str) -> None:
    """Pause, stop, cancel (or delete), resume a run. Raises `LimitError`, `StoreError`, `RunBusyError`."""
    if what == "resume":
        rules = Visitors.from_environment()
        if rules.strangers:
            _within(rules, [session.store().get(run_id).config])
        _owners().setdefault(run_id, visitor())
        session.jobs().resume(run_id, by=visitor())
        return
    if not may_end(run_id):
        raise LimitError(f"{run_id}: only who asked for this run may end it")
    {"pause": session.jobs().pause, "stop": session.jobs().stop, "cancel": session.jobs().cancel}[what](run_id)
    if what == "cancel":
        _owners().pop(run_id, None)


def may_end(run_id: str) -> bool:
    """Whether this visitor may pause, stop, cancel and delete the run."""
    rules = Visitors.from_environment()
    return not rules.strangers or rules.allow_delete or _owners().get(run_id) == visitor()


def may_describe(info: RunInfo) -> bool:
    """Whether this visitor may say what a model is called: who may end it; one that ships, nobody from outside."""
    return not Visitors.from_environment().strangers if info.shipped else may_end(info.run_id)


def describe(run_id: str, label: str, note: str) -> None:
    """Say what a model is called, and what is to be remembered of it.

    Raises `LimitError`, `NotesError`, `CorruptFileError`, `StoreError`, `RunBusyError`.
    """
    if not may_describe(session.store().get(run_id)):
        raise LimitError(f"{run_id}: only who asked for this run may say what it is called")
    session.store().describe(run_id, label=label, note=note)


def may_drop(asked_by: str) -> bool:
    """Whether this visitor may end what was asked for by that one."""
    rules = Visitors.from_environment()
    return not rules.strangers or rules.allow_delete or asked_by == visitor()


def visitor() -> str:
    """Who asks: the same in every tab of a browser until it is closed, and not to be guessed by others."""
    known = session.recall("visitor")
    if known is None:
        secret = _secret(st.context.cookies.get("_streamlit_xsrf") or "") or uuid.uuid4().bytes
        known = hashlib.sha256(b"visitor" + secret).hexdigest()[:16]
        session.remember("visitor", known)
    return known


def _secret(cookie: str) -> bytes:
    """What stays the same in Streamlit's cookie, `2|mask|masked|time`, which is masked anew for every page load."""
    try:
        _, mask, masked, _ = cookie.split("|")
        key = bytes.fromhex(mask)
        return bytes(byte ^ key[i % len(key)] for i, byte in enumerate(bytes.fromhex(masked)))
    except (ValueError, ZeroDivisionError):
        return b""


def _within(rules: Visitors, configs: tuple[RunConfig, ...] | list[RunConfig]) -> None:
    """Raise `LimitError` where this is more than the server's visitors may ask."""
    under_way = {info.run_id for info in session.infos() if info.under_way}
    new = [config for config in configs if config.run_id not in under_way]
    for config in new:
        if (seconds := estimate.seconds(config)) > 60 * rules.max_minutes:
            raise LimitError(
                f"this training takes about {estimate.spoken(seconds)} on this server, and {rules.max_minutes} min are "
                "allowed: take fewer epochs or a smaller network"
            )
    if len(under_way) + len(new) > rules.max_waiting:
        raise LimitError(
            f"{len(under_way)} runs wait already, and {rules.max_waiting} may: try again when some are done"
        )
    mine = sum(_owners().get(run_id) == visitor() for run_id in under_way)
    if mine + len(new) > rules.max_waiting_each:
        raise LimitError(
            f"{mine} of your runs wait, and {rules.max_waiting_each} may: wait for one to end, or cancel one"
        )


@st.cache_resource
def _owners() -> dict[str, str]:
    """Run -> who asked for it first, since the server started."""
    return {}
