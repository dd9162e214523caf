"""What the server remembers: the store, the queue, and what each visitor chose."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from vae_core.config.errors import ElboRoomError
from vae_core.config.visitors import Visitors
from vae_core.jobs.queue import Jobs
from vae_core.jobs.table import Limit
from vae_core.store import RunInfo, Store


def begin() -> None:
    """Once a script run, before anything reads the store; `end` must follow whatever happens."""
    _warm_up()
    _listed.infos, _listed.script = None, True


def end() -> None:
    """The script run is over; a fragment that runs again by itself asks anew."""
    _listed.infos, _listed.script = None, False


_listed = threading.local()
"""Of the script that this thread runs."""


def scripting() -> bool:
    """Whether the script itself runs, and not what was called for an event before it."""
    return getattr(_listed, "script", False)


def infos() -> list[RunInfo]:
    """`Store.infos`, looked up once a script run: half a dozen parts of a page ask for it."""
    if not scripting():
        return store().infos()
    if _listed.infos is None:
        _listed.infos = store().infos()
    return list(_listed.infos)


@st.cache_resource(show_spinner=False)
def store() -> Store:
    """The store of ELBO_HOME."""
    return Store()


@st.cache_resource(show_spinner=False)
def jobs() -> Jobs:
    """The queue of that store; what strangers may have computed is limited (`chrome/ask.py` limits the runs)."""
    strangers = Visitors.from_environment().strangers
    return Jobs(store(), limit=Limit(derived=60, derived_each=12) if strangers else None)


@st.cache_resource(show_spinner=False)
def _warm_up() -> None:
    threading.Thread(target=_look_after, args=(jobs(),), daemon=True, name="jobs").start()


def _look_after(queue: Jobs) -> None:
    """As long as the server lives: have a warm worker, and notice when one dies while somebody waits for it."""
    time.sleep(2.5)  # the worker imports torch: two seconds of a core that the first page must not lose
    with contextlib.suppress(ElboRoomError):  # a store that cannot be written says so where somebody asks for work
        queue.ensure_worker("train")
    while True:
        with contextlib.suppress(ElboRoomError):
            queue.watch()
        time.sleep(1.0)


# -- a visitor's own state


def remember(name: str, value: Any) -> None:
    """Keep a value for this visitor, across pages."""
    st.session_state[name] = value


def recall(name: str, default: Any = None) -> Any:
    """What was remembered, or what a widget or component of that key holds."""
    return st.session_state.get(name, default)


def goes_back() -> bool:
    """Whether this run is that of the browser's *Back* or *Forward*."""
    run = get_script_run_ctx(suppress_warning=True)
    return run is not None and run.is_history_navigation


def go_on() -> None:
    """Long work calls this between its steps: it ends here once its visitor has clicked on, reloaded or left.

    Streamlit ends a script where the script next calls it, and a look at the session's state is such a call.
    """
    _ = "going on" in st.session_state


def version(run: RunInfo) -> str:
    """Changes when a run gets another model (one that was stopped, then went on)."""
    return f"{run.run_id}@{run.model[:12]}"
