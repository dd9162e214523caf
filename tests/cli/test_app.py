"""`elbo app`: whom it lets in, what it hands to the server, how it refuses."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

import pytest
import streamlit as st
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from vae_core.__main__ import main
from vae_core.config.visitors import VARIABLE, Visitors

Started = tuple[dict[str, list[str]], dict[str, str]]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Started]:
    """Run `elbo app` up to where it becomes the server: the server's options and its environment."""

    class Became(BaseException):
        pass

    def become(_program: str, arguments: list[str], environment: dict[str, str]) -> None:
        raise Became(arguments, environment)

    def run(*arguments: str) -> Started:
        monkeypatch.setattr(os, "execve", become)
        with pytest.raises(Became) as became:
            main(["app", "--port", str(free_port()), *arguments])
        words, environment = became.value.args
        options: dict[str, list[str]] = {}
        first = next(i for i, word in enumerate(words) if word.startswith("--"))
        for name, value in zip(words[first::2], words[first + 1 :: 2], strict=True):
            options.setdefault(name.removeprefix("--"), []).append(value)
        return options, environment

    return run


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def visitors(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Visitors:
    monkeypatch.setenv(VARIABLE, environment[VARIABLE])
    return Visitors.from_environment()


def test_only_this_machine_reaches_it_unless_it_is_opened(
    started: Callable[..., Started], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options, environment = started()
    assert options["server.address"] == ["127.0.0.1"]
    assert options["server.allowedHosts"] == ["localhost", "127.0.0.1", "::1"]
    assert not visitors(environment, monkeypatch).strangers
    assert "password" not in capsys.readouterr().err


def test_opening_it_says_what_that_means_and_hands_the_limits_on(
    started: Callable[..., Started], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options, environment = started("--host", "0.0.0.0", "--max-waiting", "7", "--max-minutes", "3")
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "there is no password" in said[1]
    assert "3 minutes" in said[1]
    assert "7 in all" in said[1]
    assert "runs they asked for" in said[1]
    assert options["server.address"] == ["0.0.0.0"]
    assert socket.gethostname().lower() in options["server.allowedHosts"]
    found = visitors(environment, monkeypatch)
    assert found == Visitors(max_waiting=7, max_minutes=3)
    assert found.strangers


def test_behind_a_proxy_there_are_strangers_too(
    started: Callable[..., Started], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options, environment = started("--allow-host", "vae.example.org", "--base-path", "/tools/elbo/", "--allow-delete")
    assert options["server.address"] == ["127.0.0.1"]
    assert "vae.example.org" in options["server.allowedHosts"]
    assert options["server.baseUrlPath"] == ["tools/elbo"]
    assert visitors(environment, monkeypatch) == Visitors(allow_delete=True)
    assert "everybody can stop and delete" in capsys.readouterr().err


def test_nobody_told_the_server_means_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert Visitors.from_environment() == Visitors()
    monkeypatch.setenv(VARIABLE, '{"strangers": false}')
    assert Visitors.from_environment().strangers


def test_streamlit_knows_every_option(started: Callable[..., Started]) -> None:
    options, _ = started("--host", "0.0.0.0")
    known = st.config.get_config_options()
    assert [name for name in options if name not in known] == []
    # What is a safety must not be a word that Streamlit takes for something else.
    assert options["client.showErrorDetails"] == ["none"]
    assert options["server.enableAgentApi"] == ["false"]


@pytest.mark.parametrize(("host", "answered"), [("localhost:8501", True), ("127.0.0.1", True), ("evil.example", False)])
def test_a_name_that_only_leads_here_is_refused(
    started: Callable[..., Started], host: str, answered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, _ = started()
    original = st.config.get_option
    allowed = {"server.allowedHosts": options["server.allowedHosts"]}
    monkeypatch.setattr(st.config, "get_option", lambda name: allowed.get(name) or original(name))
    assert is_host_allowed(host) == answered


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--port", "99999999"], "port=99999999: give a port from 1 to 65535"),
        (["--port", "0"], "port=0: give a port from 1 to 65535"),
        (["--port=-1"], "port=-1: give a port from 1 to 65535"),
        (["--port", "x"], "x"),
        (["--host", "nowhere.invalid"], "host='nowhere.invalid': no such address"),
        (["--host", "192.0.2.1"], "host='192.0.2.1': not an address of this machine"),
        (["--host", "x" * 300], "no such address"),
        (["--base-path", "../x"], "base_path='../x'"),
        (["--max-waiting", "0"], "0: give a positive number"),
    ],
)
def test_what_cannot_be_met_is_one_sentence(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    port = [] if "--port" in " ".join(arguments) else ["--port", str(free_port())]
    try:
        code: Any = main(["app", *arguments, *port])
    except SystemExit as exit_:
        code = exit_.code
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert says in err.splitlines()[-1]


def test_a_port_in_use_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        assert main(["app", "--port", str(other.getsockname()[1])]) == 2
    assert "another program listens there" in capsys.readouterr().err
