"""What can go wrong, by name. Every message says what came, what is allowed and what to do."""

OUT = "choose another place with --out or allow writing there"
"""What to do when a file that was asked for cannot be written."""


class ElboRoomError(Exception):
    """Base of every error that a person can act on; the command line shows it as one line and exits with 2."""


class ConfigError(ElboRoomError, ValueError):
    """A configuration that cannot be trained: a field is unknown, out of its range, or at odds with another."""


class RunNotFoundError(ElboRoomError, LookupError):
    """No run of that name is in the store, or a short name fits several."""


class CorruptFileError(ElboRoomError):
    """A file's contents do not match their checksum or their format. It is never loaded and never repaired silently."""


class NewerFileError(CorruptFileError):
    """A file that is whole, and written by a newer version in a way that this one does not know. Never offered for
    deletion.
    """


class NotFiniteError(ElboRoomError, ArithmeticError):
    """A number that is not finite where it would be kept or told: weights, terms, anything in JSON."""


class NotesError(ElboRoomError, ValueError):
    """A label or a note of a run that is longer than may be kept."""


class StoreError(ElboRoomError, OSError):
    """The store's folder cannot be read or written: permissions, a full disk, a file where a folder should be."""


class TooLargeError(ElboRoomError, MemoryError):
    """What was asked needs more memory than this machine has."""


class RunBusyError(ElboRoomError):
    """Another process is training this run, or the run is not in a state in which it can be done."""


class LimitError(ElboRoomError):
    """More than may be asked for at a time or by one visitor, or another visitor's run."""


class ModelError(ElboRoomError, ValueError):
    """A model whose networks, weights or densities do not fit together, or use what no reader here knows."""
