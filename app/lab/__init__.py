"""The KL lab: every module here is a view, found by its being here, in the order of their places."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from app.chrome.course import View


class Lesson(NamedTuple):
    """A view and what draws it."""

    view: View
    page: Callable[[], None]


def _found() -> dict[str, Lesson]:
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    lessons = sorted((Lesson(module.VIEW, module.page) for module in modules), key=lambda lesson: lesson.view.place)
    return {lesson.view.name: lesson for lesson in lessons}


VIEWS = _found()
"""Name -> view, in the order in which they are taught."""
ORDER = ("explore", *VIEWS)
"""What a presenter's keys lead through, off the tour."""
