"""Models, the Python side: what a filter finds, and that what a person calls a model is letters on every page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.chrome import ask, model_bar, sweep_bar
from app.lab import gaussian
from tests.app.test_app import STARTERS, nobody_works, visit  # noqa: F401
from tests.app.test_ask import Opened, opened  # noqa: F401
from tests.conftest import Run
from tests.links.test_hostile import MARKDOWN, PAGES, inert, texts
from vae_core.config.errors import LimitError, NotesError
from vae_core.store import Store, sweeps

LABELS = {
    "markdown": MARKDOWN.replace("\n", " ")[:60],
    "rest": MARKDOWN.replace("\n", " ")[60:120],
    "html": "<b>bold</b><img src=x onerror=alert(1)>",
    "link": "**x** [a](http://b) | `c` | $\\pi$ :material/home:",
    "wide": "日" * 60,
    "rtl": "שלום 🏁 עולם",
}


def listed(at: AppTest) -> list[str]:
    """The runs in the table."""
    return list(at.dataframe[0].value["run"]) if at.dataframe else []


def told(at: AppTest) -> str:
    """What the components of the page are told."""
    protos = [element.proto for element in at.get("bidi_component")]
    return " ".join(str(getattr(proto, "json", "") or getattr(proto, "mixed", "")) for proto in protos)


# -- what a person calls a model


@pytest.mark.parametrize("label", LABELS.values(), ids=LABELS)
def test_a_label_leads_wherever_a_model_is_named_and_is_text(label: str, home: Store) -> None:
    home.describe(STARTERS[2], label=label)
    for page in ("explore", "reconstruct", "map", "gap"):
        at = visit(page, run=STARTERS[2])
        inert(at)
        (box,) = [box for box in at.selectbox if (box.key or "").startswith("model-")]
        (name,) = [option for option in box.options if option.startswith(f"{label} · ")]
        assert name == f"{label} · {model_bar.traits(home.get(STARTERS[2]))}"
    assert json.dumps(label)[1:-1] in told(visit("compare", runs=",".join(STARTERS.values())))
    assert json.dumps(label)[1:-1] in told(visit("rate-distortion"))
    (row,) = [row for _, row in visit("models").dataframe[0].value.iterrows() if row["run"] == STARTERS[2]]
    assert row["model"].startswith(f"{label} · MNIST")


@pytest.mark.parametrize("page", PAGES)
def test_page_opens_on_models_with_any_label(page: str, home: Store) -> None:
    for run_id in STARTERS.values():
        home.describe(run_id, label=LABELS["link"], note=f"{MARKDOWN}\n{LABELS['html']}")
    at = visit(page, run=STARTERS[10])
    inert(at)
    if page == "gaussian":
        return
    for text in texts(at):
        assert "[a](http" not in text
        assert "<img" not in text


def test_a_family_is_not_called_by_the_label_of_one_of_it(home: Store) -> None:
    for info in home.infos():
        home.describe(info.run_id, label="β 1 · mine")
    for sweep in sweeps.find(home.infos()):
        assert "mine" not in sweep_bar.title(sweep)
        assert "…" in sweep_bar.title(sweep)
        assert "mine" not in gaussian._title(sweep.runs)
    assert model_bar.title(home.get(STARTERS[2])).startswith("β 1 · mine · MNIST")


def test_a_note_has_a_column_where_there_is_one(home: Store) -> None:
    def columns() -> list[str]:
        return list(visit("models").dataframe[0].proto.column_order)

    assert "note" not in columns()
    home.describe(STARTERS[2], note="shown on\nMonday")
    assert columns()[:3] == ["samples", "model", "note"]
    at = visit("models")
    assert set(at.dataframe[0].value["note"]) == {"", "shown on Monday"}


def test_only_who_may_end_a_run_says_what_it_is_called(
    copied: Run,
    opened: Opened,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from app import session

    monkeypatch.setattr(session, "store", lambda: copied.store)
    monkeypatch.setattr(ask, "visitor", lambda: "ann")
    owners: dict[str, str] = {}
    monkeypatch.setattr(ask, "_owners", lambda: owners)

    def tell(run_id: str) -> str:
        ask.describe(run_id, "mine", "")
        return copied.store.notes(run_id).label

    opened()
    for run_id in (copied.run_id, STARTERS[2]):
        assert not ask.may_describe(copied.store.get(run_id))
        with pytest.raises(LimitError, match="only who asked for this run may say what it is called"):
            tell(run_id)
        assert copied.store.notes(run_id).label == ""
    owners[copied.run_id] = "ann"
    assert tell(copied.run_id) == "mine"
    opened(allow_delete=True)  # every run is everybody's; what ships is nobody's
    owners.clear()
    assert ask.may_describe(copied.store.get(copied.run_id))
    assert not ask.may_describe(copied.store.get(STARTERS[2]))
    opened(strangers=False)
    assert tell(STARTERS[2]) == "mine"
    with pytest.raises(NotesError, match="61 letters"):
        ask.describe(STARTERS[2], "x" * 61, "")


# -- the filter


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("DIGITS", True),
        ("tuesday", True),
        ("TUESDAY digits mlp elbo", True),
        ("remember", True),
        ("école", True),
        ("e\u0301cole", True),
        ("tuesday mnist", False),
        ("[(*", False),
    ],
)
def test_a_filter_finds_what_has_all_of_its_words(copied: Run, words: str, found: bool) -> None:
    copied.store.describe(copied.run_id, label="For Tuesday, École", note="to\nremember")
    at = visit("models", filter=words)
    assert not at.exception
    assert (listed(at) == [copied.run_id]) == found
    if found:
        assert "1 of 16 models" in [caption.value for caption in at.caption]


@pytest.mark.parametrize(
    "words", [lambda run: run.run_id, lambda _: "burgess", lambda _: "mnist conv", lambda _: "Free bits"]
)
def test_names_behind_the_words_are_found_too(copied: Run, words: Any) -> None:
    text = words(copied)
    infos = copied.store.infos()
    wanted = {
        info.run_id
        for info in infos
        if text in (info.run_id, info.config.architecture)
        or (text == "mnist conv" and (info.config.dataset, info.config.architecture) == ("mnist", "conv"))
        or (text == "Free bits" and info.config.objective == "free-bits")
    }
    assert set(listed(visit("models", filter=text))) == wanted


def test_where_nothing_is_found_a_click_shows_all_again(home: Store) -> None:
    at = visit("models", filter="nothing <b>like</b> this")
    inert(at)
    assert listed(at) == []
    assert "all the words of" in at.info[0].value
    assert "0 of 15 models" in [caption.value for caption in at.caption]
    (again,) = [button for button in at.button if button.label == "Show all models"]
    again.click().run()
    assert len(listed(at)) == 15
    assert "15 models" in [caption.value for caption in at.caption]
