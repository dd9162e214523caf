"""`elbo app`: become the server. Only this machine reaches it, unless `--host` opens it to others."""

from __future__ import annotations

import argparse
import contextlib
import errno
import ipaddress
import json
import os
import re
import socket
import sys
from pathlib import Path
from typing import cast

from vae_core.cli.printing import Json
from vae_core.config.errors import ConfigError, StoreError
from vae_core.config.visitors import Visitors

LOCAL = ("localhost", "127.0.0.1", "::1")
"""The names under which a machine reaches itself."""

OPTIONS = {
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    # A traceback names files of this machine, and a proxy makes strangers look local: it goes to the log alone.
    "client.showErrorDetails": "none",
    # No page takes a file: an upload would only fill the memory.
    "server.maxUploadSize": "1",
    # The largest thing a page sends is a lasso of 10,000 images, 60 kB.
    "server.maxWidgetStateSize": "2",
    # A laptop that is closed for the length of a break comes back to its session; everything to see is in the URL.
    "server.disconnectedSessionTTL": "600",
    "server.enableAgentApi": "false",
    "server.enableStaticServing": "false",
    # It would ask a service on the internet for this machine's address.
    "logger.hideWelcomeMessage": "true",
    # A box that follows the URL has its value from there, and the same as its default: a browser that is slow to
    # load the box shows the default, and would send back another.
    "global.disableWidgetStateDuplicationWarning": "true",
}
"""What the server is started with, beside the address and the colours."""


def app(args: argparse.Namespace) -> Json:
    """Become the Streamlit server."""
    from importlib.util import find_spec

    found = find_spec("app")
    if found is None or not found.submodule_search_locations:
        raise StoreError("the package 'app' is not installed beside 'vae_core'; reinstall elbo-room")
    folder = Path(found.submodule_search_locations[0])
    base = _base_path(args.base_path)
    _check_port(args.host, args.port)
    visitors = visitors_of(args)
    hosts = allowed_hosts(args.host, args.allow_host)
    options = {
        "server.address": args.host,
        "server.port": str(args.port),
        "server.baseUrlPath": base,
        "server.headless": str(not args.browser).lower(),
        **OPTIONS,
        **theme(folder),
    }
    arguments = [sys.executable, "-m", "streamlit", "run", str(folder / "server.py")]
    arguments += [part for name, value in options.items() for part in (f"--{name}", value)]
    arguments += [part for host in hosts for part in ("--server.allowedHosts", host)]
    host = hosts[0] if is_local(args.host) or args.host in ("0.0.0.0", "::") else args.host
    where = f"http://{f'[{host}]' if ':' in host else host}:{args.port}{base and f'/{base}'}"
    print(f"Elbo Room: {where}", file=sys.stderr)
    if visitors.strangers:
        print(f"elbo: {what_open_means(args.port, hosts, visitors)}", file=sys.stderr)
    sys.stderr.flush()
    os.execve(sys.executable, arguments, {**os.environ, **visitors.to_environment()})


def is_local(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    if host.lower() == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def visitors_of(args: argparse.Namespace) -> Visitors:
    """Who may come, and what they may ask; a name that is allowed beside the local ones is a proxy's, for strangers."""
    return Visitors(
        strangers=not is_local(args.host) or not all(is_local(host) for host in args.allow_host),
        max_waiting=args.max_waiting,
        max_waiting_each=args.max_waiting_per_visitor,
        max_minutes=args.max_minutes,
        allow_delete=args.allow_delete,
    )


def allowed_hosts(host: str, more: list[str]) -> list[str]:
    """The names under which a browser may ask for the pages.

    Any other is refused: a page from elsewhere could otherwise have its own name lead to this machine, and act here as
    its reader (DNS rebinding).
    """
    own: list[str] = []
    if host in ("0.0.0.0", "::"):
        name = socket.gethostname().lower()
        own = [name, f"{name}.local", *_own_addresses()]
    elif not is_local(host):
        own = [host]
    return list(dict.fromkeys([*LOCAL, *own, *more]))


def what_open_means(port: int, hosts: list[str], visitors: Visitors) -> str:
    """One sentence for who opens it."""
    touch = (
        "and everybody can stop and delete any run"
        if visitors.allow_delete
        else "and can stop and delete the runs they asked for"
    )
    return (
        f"there is no password: whoever reaches port {port} of this machine as one of {', '.join(hosts)} sees every "
        f"model here, can train (runs of up to {visitors.max_minutes} minutes; {visitors.max_waiting_each} waiting for "
        f"each visitor, {visitors.max_waiting} in all) {touch}"
    )


def _own_addresses() -> list[str]:
    """The addresses of this machine, as far as they can be found out without asking anybody."""
    found: list[str] = []
    with contextlib.suppress(OSError):
        found += [str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None)]
    # The address from which others would be reached; connecting a datagram socket sends nothing.
    for family, somewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((somewhere, 9))
            found.append(str(probe.getsockname()[0]))
    return [address.partition("%")[0] for address in dict.fromkeys(found)]


def _check_port(host: str, port: int) -> None:
    """Raise `ConfigError` where nothing could listen."""
    if not 1 <= port <= 65_535:
        raise ConfigError(f"port={port}: give a port from 1 to 65535")
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise ConfigError(
            f"host={host!r}: no such address; 127.0.0.1 is this machine alone, 0.0.0.0 all of it"
        ) from None
    for family, kind, _, _, address in places:
        try:
            with socket.socket(family, kind) as probe:
                if os.name == "posix":
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                why = f"port={port}: another program listens there; end it or choose another port with --port"
            elif error.errno in (errno.EACCES, errno.EPERM):
                why = f"port={port}: the system does not allow it; choose a port from 1024 on"
            elif len(places) > 1:
                continue  # a machine without IPv6 knows the name in it all the same
            else:
                why = f"host={host!r}: not an address of this machine ({error.strerror})"
            raise ConfigError(why) from None


def _base_path(text: str) -> str:
    """The path below which the pages are, without slashes around it."""
    path = text.strip("/")
    if path and not re.fullmatch(r"[A-Za-z0-9_~-]+(/[A-Za-z0-9_~-]+)*", path):
        raise ConfigError(f"base_path={text!r}: give letters, digits, - and _ with / between them, such as tools/elbo")
    return path


def theme(folder: Path) -> dict[str, str]:
    """The app's colours: `app/theme.json`, one Streamlit option a line."""
    return cast("dict[str, str]", json.loads((folder / "theme.json").read_text(encoding="utf-8")))
