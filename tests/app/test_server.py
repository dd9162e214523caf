"""Our own routes beside Streamlit's pages: modules, arrays, and a run's events while they come."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gzip
import http.client
import json
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
import uvicorn
from safetensors.numpy import load
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message

from app import server as served
from app import session
from app.components import modules, registered
from app.components.blobs import blobs, digest_of
from app.live import Streams, streams
from tests.browser.fixtures import Server
from tests.conftest import Run, tiny, until
from vae_core.cli.app import OPTIONS, theme
from vae_core.config import events
from vae_core.config.errors import CorruptFileError
from vae_core.jobs.run import run
from vae_core.store import Store, files, journal

BASE = "/tools/elbo-room/elbo"
FOREVER = "public, max-age=31536000, immutable"

Answer = tuple[int, dict[str, str], bytes]
Get = Callable[..., Answer]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The routes on a real socket, below a base path."""
    config = uvicorn.Config(
        Starlette(routes=served.routes("tools/elbo-room")), port=0, log_level="error", lifespan="off", ws="none"
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    until(lambda: running.started, "the server")
    yield running.servers[0].sockets[0].getsockname()[1]
    running.should_exit = True
    thread.join(30)


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    for forget in (st.cache_resource.clear, blobs.clear):
        forget()
    yield
    for forget in (st.cache_resource.clear, blobs.clear):
        forget()


@pytest.fixture
def get(port: int) -> Get:
    """`get(path, header=value)`: status, headers (lower case) and body, unpacked."""

    def ask(path: str, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("localhost", port, timeout=90)
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        said = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, said, gzip.decompress(body) if said.get("content-encoding") == "gzip" else body

    return ask


def url(path: str) -> str:
    return f"{BASE}/modules/{modules.version()}/{path}"


# -- modules


@pytest.mark.parametrize("path", modules.files())
def test_every_file_of_the_front_end_is_there_for_good(get: Get, path: str) -> None:
    status, said, body = get(url(path), Accept_Encoding="gzip")
    assert status == 200
    assert body == (modules.FRONTEND / path).read_bytes() == get(url(path))[2]
    assert said["cache-control"] == FOREVER
    assert said["content-type"] == f"text/{'css' if path.endswith('.css') else 'javascript'}; charset=utf-8"
    assert said["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "../__init__.py",
        "%2e%2e/__init__.py",
        "..%2f__init__.py",
        "net/../../modules.py",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "net\\engine.js",
        "net/engine.js/",
        "net",
        "",
        "net/engine.js%00",
        "nothing.js",
    ],
)
def test_nothing_else_can_be_asked_for(get: Get, path: str) -> None:
    status, said, body = get(url(path))
    assert status == 404
    assert said["cache-control"] == "no-store"
    assert b"import" not in body
    assert str(modules.FRONTEND.parent).encode() not in body


def test_a_page_of_another_version_is_told_so(get: Get) -> None:
    status, said, body = get(f"{BASE}/modules/{'0' * 16}/net/engine.js")
    assert (status, said["cache-control"]) == (404, "no-store")
    assert body == b"this page is older than the server"


def test_the_version_is_that_of_the_contents() -> None:
    assert modules.version() in modules.address()
    found = dict(modules.files())
    modules.version.cache_clear()
    try:
        path = "net/engine.js"
        found[path] = modules.File(found[path].body + b" ", found[path].type)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(modules, "files", lambda: found)
            other = modules.version()
    finally:
        modules.version.cache_clear()
    assert other != modules.version()


def test_the_graph_of_a_module_is_all_that_it_imports() -> None:
    found = modules.graph("explore/player.js")
    assert found[0] == "explore/player.js"
    assert {"net/blob.js", "net/engine.js", "kit/dom.js", "explore/picker.js"} <= set(found)
    assert len(set(found)) == len(found)
    with pytest.raises(KeyError):
        modules.graph("explore/nothing.js")


def test_a_component_names_all_it_needs_at_once() -> None:
    text = modules.source("explore/player.js", ["explore/player.css"])
    assert "\n" in text.strip(), "Streamlit takes one line for a path"
    assert all(f'"{path}"' in text for path in [*modules.graph("explore/player.js"), "explore/player.css"])
    with pytest.raises(KeyError, match=r"nothing\.css"):
        modules.source("explore/player.js", ["nothing.css"])


# -- arrays


def test_what_the_first_page_is_made_of_is_announced_with_it() -> None:
    from app.chrome import presenter

    assert presenter.KEY  # importing it registers the component
    explore = [registered[name] for name in ("elbo_room_player", "elbo_room_presenter")]
    assert set(served.ON_LANDING) == {path for module, css in explore for path in (module, *css)}


def test_arrays_come_by_their_hash_for_good(get: Get) -> None:
    for body in (bytes(100_000), bytes(range(256)) * 10):
        status, said, found = get(f"{BASE}/{blobs.offer(body)}", Accept_Encoding="gzip, br")
        assert (status, found, said["cache-control"]) == (200, body, FOREVER)
        assert said["content-encoding"] == "gzip"
        assert get(f"{BASE}/{blobs.offer(body)}")[2] == body
    status, said, found = get(f"{BASE}/blobs/{digest_of(b'never offered')}")
    assert (status, said["cache-control"], found) == (404, "no-store", b"this page is older than the server")


def test_what_is_promised_is_sent_once_to_a_browser_that_keeps_it(get: Get) -> None:
    address = f"{BASE}/{blobs.promise('slow', lambda: b'a spectrum')}"
    status, said, body = get(address)
    assert (status, body, said["cache-control"]) == (200, b"a spectrum", "no-cache")
    status, _, body = get(address, If_None_Match=said["etag"])
    assert (status, body) == (304, b"")
    assert get(address, If_None_Match='"other"')[0] == 200
    assert get(f"{BASE}/promised/{'0' * 32}")[0] == 404


def test_what_cannot_be_made_says_so_without_a_path(get: Get) -> None:
    def make() -> bytes:
        raise CorruptFileError("/home/somebody/runs/x/weights.safetensors: damaged")

    for error in (blobs.promise("damaged", make),):
        status, _, body = get(f"{BASE}/{error}")
        assert status == 404
        assert b"/home" not in body
        assert b"Models" in body


def test_a_name_that_is_not_ours_is_refused(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"{BASE}/{blobs.offer(b'secret')}"
    st.config.set_option("server.allowedHosts", ["localhost", "127.0.0.1"])
    try:
        assert get(address)[0] == 200
        assert get(address, Host="localhost:1234")[0] == 200
        status, _, body = get(address, Host="evil.example")
    finally:
        st.config.set_option("server.allowedHosts", [])
    assert status == 403
    assert b"secret" not in body
    assert get(address, Host="evil.example")[0] == 200


# -- a run's events


def log_of(store: Store, run_id: str) -> Path:
    return store.folder(run_id) / "events.jsonl"


def heard(body: bytes) -> list[tuple[str, dict[str, Any], str]]:
    """(event, data, id) of each message, as a browser reads them."""
    found = []
    for block in body.decode().split("\n\n"):
        lines = [line.partition(": ")[::2] for line in block.splitlines() if not line.startswith(":")]
        fields = dict(lines)
        if "data" in fields:
            found.append((fields.get("event", "message"), json.loads(fields["data"]), fields.get("id", "")))
    return found


def test_a_finished_run_is_told_from_any_point_on(get: Get, copied: Run) -> None:
    status, said, body = get(f"{BASE}/events/{copied.run_id}", Accept_Encoding="gzip")
    assert (status, said["content-type"], said["cache-control"]) == (
        200,
        "text/event-stream; charset=utf-8",
        "no-store",
    )
    everything = heard(body)
    kept, position = copied.store.events(copied.run_id)
    assert [d for _, d, _ in everything[:-2]] == [json.loads(events.to_json(event)) for event in kept]
    assert everything[len(kept) - 1][2] == str(position)
    assert everything[-2][1] == {"type": "status", "status": "finished"}
    assert everything[-1] == ("end", {"type": "end", "status": "finished"}, "")

    after = log_of(copied.store, copied.run_id).read_bytes().index(b"\n") + 1
    later = heard(get(f"{BASE}/events/{copied.run_id}?since={after}")[2])
    assert later == everything[1:]
    assert heard(get(f"{BASE}/events/{copied.run_id}", Last_Event_ID=str(after))[2]) == later
    # A browser that has it all asks again when the stream ends: it is told not to.
    assert get(f"{BASE}/events/{copied.run_id}", Last_Event_ID=str(position))[0] == 204


@pytest.mark.parametrize("since", ["-1", "x", "1.5", "1e3", "9" * 40, "%00", "١"])
def test_a_strange_start_is_refused(get: Get, copied: Run, since: str) -> None:
    from urllib.parse import quote

    status, _, body = get(f"{BASE}/events/{copied.run_id}?since={quote(since)}")
    assert status == 400
    assert b"byte" in body


@pytest.mark.parametrize(
    "name", ["nothing", "..", "%2e%2e", "%2e%2e%2fruns", "a%00b", "x" * 300, ".hidden", "a%0Ab", "%C3%A9"]
)
def test_a_strange_run_is_refused_without_a_path(get: Get, copied: Run, name: str) -> None:
    status, _, body = get(f"{BASE}/events/{name}")
    assert status == 404
    assert str(copied.store.home).encode() not in body


class Reader:
    """Reads a stream line by line on a thread of its own."""

    def __init__(self, port: int, path: str) -> None:
        self.connection = http.client.HTTPConnection("localhost", port, timeout=90)
        self.connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        self.socket = self.connection.sock
        self.answer = self.connection.getresponse()
        self.body = b""
        self.ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        whole = False
        with contextlib.suppress(OSError, http.client.HTTPException):
            while line := self.answer.readline():
                self.body += line
            whole = True
        self.answer.close()
        self.connection.close()
        self.ended = whole

    def types(self) -> list[str]:
        return [data["type"] for _, data, _ in heard(self.body.rpartition(b"\n\n")[0])]

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(90)


def test_a_live_run_is_followed_to_its_end(port: int, home: Store) -> None:
    config = tiny(epochs=40, seed=7)
    go, half = threading.Event(), threading.Event()

    def train() -> None:
        for n, _ in enumerate(run(config, home)):
            if n == 3:
                half.set()
                assert go.wait(90)

    trainer = threading.Thread(target=train)
    trainer.start()
    try:
        assert half.wait(90)
        readers = [Reader(port, f"{BASE}/events/{config.run_id}") for _ in range(3)]
        # While it stands still, all that was said is here: nothing waits for the end.
        for reader in readers:
            until(lambda reader=reader: {"started", "status"} <= set(reader.types()), "what the run said so far")
            assert not reader.ended
            assert "finished" not in reader.types()
    finally:
        go.set()
        trainer.join(90)
    for reader in readers:
        until(lambda reader=reader: reader.ended, "the end of the stream")
        kept = [json.loads(events.to_json(event)) for event in home.events(config.run_id)[0]]
        told = [data for _, data, _ in heard(reader.body)]
        assert [data for data in told if data["type"] not in ("progress", "status", "end")] == kept
        assert [data["status"] for data in told if data["type"] == "status"] == ["running", "finished"]
        assert told[-1] == {"type": "end", "status": "finished"}
        assert reader.body.count(b"event: end") == 1
    until(lambda: streams.open == 0, "every stream to be counted as closed")


@pytest.fixture
def endless(home: Store) -> Iterator[str]:
    """A run that is being trained as long as the test lasts."""
    config = tiny(seed=3)
    run_id = home.create(config)
    with home.lock(run_id):
        home.set_state(run_id, "running")
        home.append(run_id, events.Started(steps=12, steps_per_epoch=6, parameters=1, precision="float32"))
        yield run_id


def test_only_so_many_follow_at_once_and_who_leaves_makes_room(
    port: int, get: Get, endless: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "most", 2)
    readers = [Reader(port, f"{BASE}/events/{endless}") for _ in range(2)]
    for reader in readers:
        until(lambda reader=reader: "started" in reader.types(), "the first event")
    status, said, body = get(f"{BASE}/events/{endless}")
    assert (status, said["retry-after"]) == (503, "10")
    assert b"2 pages follow a run" in body
    readers[0].close()
    until(lambda: streams.open == 1, "the one who left to be noticed")
    third = Reader(port, f"{BASE}/events/{endless}")
    until(lambda: "started" in third.types(), "the first event of another")
    for reader in (readers[1], third):
        reader.close()
    until(lambda: streams.open == 0, "those who left to be noticed")


def test_silence_is_filled_and_a_run_that_goes_back_says_so(
    port: int, home: Store, endless: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "heartbeat", 0.0)
    monkeypatch.setattr(streams, "period", 0.01)
    reader = Reader(port, f"{BASE}/events/{endless}")
    until(lambda: b": still there\n\n" in reader.body, "a sign of life")
    log = log_of(home, endless)
    log.write_bytes(b"")
    until(lambda: "again" in reader.types(), "word of the way back")
    home.append(endless, events.Started(steps=12, steps_per_epoch=6, parameters=2, precision="float32"))
    until(lambda: reader.types().count("started") == 2, "what comes after it")
    log.write_bytes(b"nonsense\n" * 40)
    until(lambda: reader.ended, "the end")
    assert heard(reader.body)[-1][1] == {"type": "end", "status": "unreadable"}
    assert str(home.home).encode() not in reader.body


def test_a_run_that_went_back_and_has_said_more_since_says_so(
    port: int, home: Store, endless: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "period", 0.01)
    reader = Reader(port, f"{BASE}/events/{endless}")
    until(lambda: "started" in reader.types(), "the first word")
    lines, crc = b"", 0
    for parameters in (10, 1000, 100000):
        started = events.Started(steps=12, steps_per_epoch=6, parameters=parameters, precision="float32")
        lines += (line := journal.line(started, crc))
        crc = int(line[-11:-3], 16)
    files.write_bytes(log_of(home, endless), lines)  # longer than before, and another
    until(lambda: reader.types().count("started") == 4, "all of it from the start")
    assert reader.types().count("again") == 1
    reader.close()


def test_one_look_serves_all_who_follow(home: Store, endless: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    looks: list[str] = []
    original = Store.get
    monkeypatch.setattr(Store, "get", lambda self, run_id: (looks.append(run_id), original(self, run_id))[1])

    async def look() -> None:
        many = Streams(period=60)
        assert {look.status for look in await asyncio.gather(*(many._shared(endless) for _ in range(50)))} == {
            "running"
        }

    session.store.clear()  # a thread of another test may have looked at the home that was before
    asyncio.run(look())
    assert len(looks) == 1


def test_the_app_answers_below_its_base_path_and_ends_at_once(tmp_path: Path) -> None:
    """`elbo app` below a path: a page, a module, a run's events, and an end while a stream is open."""
    server = Server(tmp_path, base="tools/elbo-room")
    store = Store(tmp_path)
    run_id = store.create(tiny(seed=3))
    try:
        server.start()
        connection = http.client.HTTPConnection("localhost", server.port, timeout=90)
        for path, kind in (
            ("/tools/elbo-room/", "text/html"),
            ("/tools/elbo-room/train", "text/html"),
            (url("explore/player.js"), "text/javascript"),
        ):
            connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
            answer = connection.getresponse()
            answer.read()
            connection.close()
            assert (answer.status, answer.getheader("content-type", "").split(";")[0]) == (200, kind)
        with store.lock(run_id):
            store.set_state(run_id, "running")
            reader = Reader(server.port, f"{BASE}/events/{run_id}")
            until(lambda: "status" in reader.types(), "the stream")
            assert server.process is not None
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(90)
    finally:
        server.stop()


def test_several_runs_say_where_they_stand_until_all_have_ended(get: Get, copied: Run) -> None:
    status, said, body = get(f"{BASE}/standing?run={copied.run_id}&run=nothing-00000000")
    assert (status, said["content-type"]) == (200, "text/event-stream; charset=utf-8")
    stands = heard(body)[0][1]
    assert stands[copied.run_id]["status"] == "finished"
    assert stands[copied.run_id]["elbo"] == pytest.approx(copied.store.get(copied.run_id).result.test.elbo)  # type: ignore[union-attr]
    assert stands["nothing-00000000"] == {"status": "gone", "ahead": None, "share": None, "elbo": None}
    assert heard(body)[-1][0] == "end"


@pytest.mark.parametrize("query", ["", "?run=" + "x" * 300, "?" + "&".join(f"run=r{n}" for n in range(40))])
def test_a_strange_list_of_runs_is_refused(get: Get, query: str) -> None:
    assert get(f"{BASE}/standing{query}")[0] == 400


def test_the_pictures_of_a_moment_are_given_without_its_decoder(get: Get, copied: Run) -> None:
    moments = [e for e in copied.store.events(copied.run_id)[0] if isinstance(e, events.Snapshot)]
    status, said, body = get(f"{BASE}/pictures/{copied.run_id}/{moments[-1].index}")
    assert (status, said["cache-control"]) == (200, "no-store")
    shown = load(body)
    whole = copied.store.snapshot(copied.run_id, moments[-1].index)
    assert set(shown) == {"reconstructions", "samples", "plane", "means", "labels"}
    assert all((shown[name] == whole[name]).all() for name in shown)
    # A frame is there while the run is, and goes with its end.
    assert get(f"{BASE}/pictures/{copied.run_id}/now")[0] == 404
    frame = events.Frame(3, 0.5, {name: whole[name] for name in ("means", "labels")})
    copied.store.append(copied.run_id, frame)
    assert set(load(get(f"{BASE}/pictures/{copied.run_id}/now")[2])) == {"means", "labels"}


@pytest.mark.parametrize("path", ["nothing/0", "..%2f..%2fx/0", "x/99999", "x/-1", "x/now%2f.."])
def test_strange_pictures_are_refused_without_a_path(get: Get, path: str) -> None:
    status, _, body = get(f"{BASE}/pictures/{path}")
    assert status == 404
    assert b"/" not in body


def test_without_elbo_app_the_server_still_keeps_its_paths_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """`streamlit run app/server.py` is given none of the options that `elbo app` gives."""
    defaults = copy.deepcopy(st.config.get_config_options())
    monkeypatch.setattr(st.config, "_config_options", defaults)
    for name in OPTIONS:
        st.config.set_option(name, defaults[name].default_val, st.config.ConfigOption.DEFAULT_DEFINITION)
    st.config.set_option("server.maxUploadSize", 7, "somebody")
    served.take_house_options()
    assert st.config.get_option("client.showErrorDetails") == "none"
    assert st.config.get_option("browser.gatherUsageStats") is False
    assert st.config.get_option("server.maxWidgetStateSize") == 2
    assert st.config.get_option("server.maxUploadSize") == 7, "what somebody set goes first"
    assert st.config.get_option("theme.primaryColor") == theme(Path(served.__file__).parent)["theme.primaryColor"]


# -- the page around the views


def dressed(body: bytes, headers: dict[str, str], request: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """What a browser gets of a page of Streamlit's with this body, and what it sent was asked with."""

    async def page(incoming: Request) -> Response:
        if incoming.headers.get("if-none-match") == '"streamlit"':
            return Response(status_code=304, headers={"etag": '"streamlit"'})
        return Response(body, headers=headers)

    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    asked = [(name.encode(), value.encode()) for name, value in request.items()]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": asked}
    asyncio.run(served.Dressed(Starlette(routes=[Route("/", page)]))(scope, receive, send))
    answer = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    content = b"".join(part.get("body", b"") for part in sent[1:])
    if content:
        assert int(answer["content-length"]) == len(content)
    zipped = answer.get("content-encoding") == "gzip"
    return sent[0]["status"], answer, gzip.decompress(content) if zipped and content else content


@pytest.mark.parametrize("zipped", [False, True])
def test_a_page_comes_with_its_style_and_anything_else_as_it_is(zipped: bool) -> None:
    page = b"<html><head><title>Elbo Room</title></head><body></body></html>"
    body, encoding = (gzip.compress(page), {"content-encoding": "gzip"}) if zipped else (page, {})
    html = {"content-type": "text/html; charset=utf-8", "etag": '"streamlit"', **encoding}
    _, headers, content = dressed(body, html, {"accept": "text/html"})
    assert b"stMainBlockContainer" in content
    assert content.index(b"<style>") < content.index(b"</head>")
    assert content.replace(content[content.index(b"<style>") : content.index(b"</head>")], b"") == page
    assert headers["etag"] != '"streamlit"'
    # With the style that it had, the page is what it was; with another it isn't, and a stranger's name means nothing.
    status, again, _ = dressed(body, html, {"accept": "text/html", "if-none-match": headers["etag"]})
    assert (status, again["etag"]) == (304, headers["etag"])
    old = headers["etag"].replace(headers["etag"][-13:-1], "0" * 12)
    assert dressed(body, html, {"accept": "text/html", "if-none-match": old})[0] == 200
    status, again, _ = dressed(body, html, {"accept": "*/*", "if-none-match": '"streamlit"'})
    assert (status, again["etag"]) == (304, '"streamlit"'), "what is no page keeps its name"
    other = {"content-type": "text/javascript", "etag": '"module"', **encoding}
    assert dressed(body, other, {"accept": "*/*"})[2] == page
