"""Whoever adds the terms that a page prints gets the ELBO beside them, of every model that ships."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.test_app import nobody_works, visit  # noqa: F401
from tests.conftest import Run
from tests.sums import ELBO, exactly, in_words
from vae_core.jobs.starters import LAB_MODELS, STARTERS
from vae_core.store import Store

MODELS = [config.run_id for config in (*STARTERS, *LAB_MODELS)]
PAGES: dict[str, dict[str, object]] = {
    "explore": {},
    "reconstruct": {},
    "map": {"selected": 7, "method": "PCA"},
    "collapse": {},
    "sampling": {},
}
"""Pages that print the terms of one model."""


def strings(value: Any) -> Iterator[str]:
    """Every text in what a component is told."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from strings(each)


def said(at: AppTest) -> str:
    """What the page says in Markdown, and what it tells its components."""
    told = [json.loads(element.proto.json) for element in at.get("bidi_component")]  # type: ignore[union-attr]
    spoken = [element.value for element in (*at.markdown, *at.caption)]
    return (
        " ".join([*spoken, *strings(told)])
        .replace("**", "")
        .replace(":blue[", "")
        .replace(":orange[", "")
        .replace("]", "")
    )


@pytest.mark.parametrize("page", PAGES)
def test_the_terms_of_a_model_add_up_on_every_page(page: str, home: Store) -> None:
    counted = 0
    for run_id in MODELS:
        at = visit(page, run=run_id, **PAGES[page])
        assert not at.exception
        sums = list(in_words(said(at)))
        assert [text for missing, text in sums if missing] == []
        counted += len(sums)
    assert counted >= len(MODELS) // 2, f"on {page} only {counted} sums were read"


def test_the_result_of_a_training_adds_up_where_it_is_shown(copied: Run) -> None:
    ((missing, _),) = in_words(said(visit("train", run=copied.run_id)))
    assert missing == 0


def test_one_model_has_one_elbo_on_its_page(home: Store) -> None:
    """The cards of Reconstruct are of single images; what stands over them is the only average."""
    text = said(visit("reconstruct", run=MODELS[0]))
    assert len([found for found in ELBO.finditer(text) if "=" in found[0]]) == 1
    assert "average" not in text


def test_the_table_of_compare_adds_up_column_by_column(home: Store) -> None:
    for first in range(0, len(MODELS), 4):
        at = visit("compare", runs=",".join(MODELS[first : first + 4]))
        rows = {
            cells[1].strip(): [exactly(cell.replace("*", "").replace("(best)", "").strip()) for cell in cells[2:-1]]
            for element in at.markdown
            for line in element.value.splitlines()
            if len(cells := line.split("|")) > 3 and cells[1].strip().endswith(", nats") and "log P" not in cells[1]
        }
        assert list(rows) == ["ELBO, nats", "= reconstruction, nats", "− KL, nats"]
        for whole, reconstruction, kl in zip(*rows.values(), strict=True):
            assert whole == reconstruction - kl
