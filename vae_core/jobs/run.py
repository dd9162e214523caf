"""One run end to end: data -> training -> store. It serves the command line, the worker and a notebook alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from vae_core import data
from vae_core.config import RunConfig
from vae_core.config.events import Diverged, Event, Finished, Frame, Snapshot
from vae_core.store import Store, Wish
from vae_core.training import machine
from vae_core.training.loop import Training

CHECKPOINT_SECONDS = 5.0
"""At most about this much work is lost when a run's process dies; 10 s is what we promise."""


def run(
    config: RunConfig, store: Store, *, wish: Callable[[], Wish] = lambda: "go", resume_stopped: bool = False
) -> Iterator[Event]:
    """Train into the store and yield what happens; `Finished` last, unless `wish()` asked for a pause.

    A run that is complete is never trained again: its `Finished` is the only event. One that was interrupted goes on
    from its checkpoint; one that a person stopped counts as complete unless `resume_stopped`.

    Raises `StoreError`, `RunBusyError`, `CorruptFileError`. On any failure the last checkpoint stays.
    """
    run_id = store.create(config)
    if (result := _complete(store, run_id, resume_stopped)) is not None:
        yield result
        return
    with store.lock(run_id):
        # Another process may have completed it while this one waited for the lock.
        if (result := _complete(store, run_id, resume_stopped)) is not None:
            yield result
            return
        store.set_state(run_id, "running")
        try:
            training = Training(config, data.load(config.dataset, config.binarize), store.load_checkpoint(run_id))
            store.add_sitting(run_id, {**machine.facts(training.precision, training.threads), "step": training.step})
            yield from _follow(training, store, wish)
        except GeneratorExit:
            store.set_state(run_id, "interrupted")
            raise
        except Exception as error:
            _try_to_say(store, run_id, error)
            raise


def _complete(store: Store, run_id: str, resume_stopped: bool) -> Finished | None:
    info = store.get(run_id)
    return info.result if info.status == "finished" or (info.status == "stopped" and not resume_stopped) else None


def _follow(training: Training, store: Store, wish: Callable[[], Wish]) -> Iterator[Event]:
    run_id, message, saved = training.config.run_id, "", time.monotonic()
    for event in training.events():
        store.append(run_id, event)
        if isinstance(event, Diverged):
            message = event.message
        if isinstance(event, Finished):
            store.publish(run_id, training.weights(), event)
            if message:
                store.set_state(run_id, "stopped", message)
            yield event
            return
        if not isinstance(event, Snapshot | Frame):
            yield event
        if not training.settled:
            continue
        asked = wish()
        if asked == "stop" and not training.stopping:
            store.save_checkpoint(run_id, *training.state())
            training.stop()
        if asked in ("pause", "cancel"):
            store.save_checkpoint(run_id, *training.state())
            store.set_state(run_id, "paused")
            return
        if time.monotonic() - saved >= CHECKPOINT_SECONDS:
            store.save_checkpoint(run_id, *training.state())
            saved = time.monotonic()
    store.set_state(run_id, "failed", message)


def _try_to_say(store: Store, run_id: str, error: Exception) -> None:
    """Record why; when even that cannot be written, the error itself still reaches the caller."""
    try:
        store.set_state(run_id, "failed", str(error))
    except Exception as second:
        error.add_note(f"and its state could not be recorded: {second}")
