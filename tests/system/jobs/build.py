"""Jobs files, schedulers over them, and a receiver of web hooks."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from eth_account import Account

from verifier.app.commands.schedule import open_scheduler
from verifier.app.commands.state import State
from verifier.app.scheduler import Scheduler
from verifier.primitives import Timestamp

KEY = Account.from_key(b"\x21" * 32)


CONTRACT = "0x" + "c0" * 20


SECRET = "hook-secret-3f9a"


def jobs_toml(**changes: object) -> str:
    given = {
        "every": 1,
        "missed": "report",
        "grace": 60,
        "lease": 30,
        "listen": "",
        "hook": "",
        "alerts": "",
        "more": "",
    } | changes
    hook = (
        f'[[jobs.sinks]]\nkind = "webhook"\nurl = "{given["hook"]}"\nsecret = "HOOK_SECRET"\nname = "hook"\n'
        if given["hook"]
        else ""
    )
    return f"""
[scheduler]
database = "jobs.db"
lease = {given["lease"]}
{given["listen"]}

[[jobs]]
name = "desk"
account = "account.toml"
every = {given["every"]}
missed = "{given["missed"]}"
grace = {given["grace"]}
timeout = 15

[jobs.attest]
key = "env:JOB_KEY"
chain_id = 31401
contract = "{CONTRACT}"
valid_for = 600

[[jobs.sinks]]
kind = "directory"
path = "{given.get("out", "out")}"

{hook}
{given["alerts"]}
{given["more"]}
"""


def save(folder: Path, text: str) -> Path:
    path = folder / "jobs.toml"
    path.write_text(text)
    return path


def opened(folder: Path, clock: list[int] | None = None) -> Scheduler:
    made = open_scheduler(State(quiet=True), folder / "jobs.toml", None)
    return replace(made, clock=lambda: Timestamp(clock[0])) if clock is not None else made


def rows(folder: Path, sql: str) -> list[tuple]:
    with sqlite3.connect(folder / "jobs.db") as found:
        made = found.execute(sql).fetchall()
    found.close()
    return made


class Hook:
    """A receiver of web hooks that checks nothing and remembers everything; `answers` are its next statuses."""

    def __init__(self) -> None:
        self.got, self.answers = [], []
        outer = self

        class Pages(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((dict(self.headers), body))
                status = outer.answers.pop(0) if outer.answers else 204
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/path-with-key"


def leases(folder: Path) -> list[tuple]:
    try:
        return rows(folder, "SELECT holder, until FROM leases")
    except sqlite3.OperationalError:
        return []


ENV = {"JOB_KEY": KEY.key.hex(), "HOOK_SECRET": SECRET}
