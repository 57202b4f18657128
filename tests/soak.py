"""Many users at once against the real server in team mode: `make soak` (30 users, 10 minutes).

    python tests/soak.py --users 30 --minutes 10

Each user is a WebSocket that speaks Streamlit's own protocol, as a browser does, because browsers would cost more than
the server that is to be tested, and AppTest would leave the server itself out: sessions, uploads, queues and messages.
A user has a workspace of their own with a secret in a file, cuts, searches and uploads at random, and reads every
message for the secrets of the others. Times run from an action to the end of the script that it caused: everything but
the painting. They are printed beside four times the budgets of one user alone, and not judged: a machine's load is no
property of the code.
"""

import argparse
import asyncio
import json
import os
import random
import re
import secrets
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
from browser.steps import prepare, serving  # noqa: E402 — a script that is run by its path

BUDGETS = {"open": None, "upload": None, "cut": 350, "search": 500}
"""Milliseconds for one user alone, to the painted screen; None where none was set."""
FACTOR = 4
PATIENCE = 120.0
"""Seconds after which an action counts as hung."""
LEAST = 3
"""Actions of each user after the first upload, however slow the machine is."""
THINKING = (2.0, 10.0)
"""Seconds between the actions of a user, who looks at what changed."""
_KEY = re.compile(r"\$\$ID-[0-9a-f]+-(.+)")
_APOLOGY = "Something went wrong"
_FINISHED = (0, 3)  # ScriptFinishedStatus: of a page, of a fragment


class Failed(Exception):
    """What a user saw that no user should see."""


@dataclass(slots=True)
class Tally:
    """Seconds of each kind of action, what failed, and the secrets by user."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in BUDGETS})
    failures: list[str] = field(default_factory=list)
    secrets: dict[int, bytes] = field(default_factory=dict)

    def table(self) -> str:
        """A line for each kind of action: how many, median and 95th percentile in ms, four times the budget."""
        lines = [f"{'action':<10}{'n':>7}{'median ms':>11}{'p95 ms':>9}{'limit ms':>10}"]
        for name, values in self.seconds.items():
            if values:
                ordered = sorted(values)
                middle, high = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
                budget = BUDGETS[name]
                limit = f"{FACTOR * budget:,}" if budget else "none"
                lines.append(f"{name:<10}{len(values):>7,}{middle * 1000:>11,.0f}{high * 1000:>9,.0f}{limit:>10}")
        return "\n".join(lines)


@dataclass(slots=True)
class User:
    """One visitor: a connection, the widgets that stand on the page, and what they hold."""

    number: int
    address: str
    query: str
    tally: Tally
    dice: random.Random
    socket: Any = None
    session: str = ""
    page: str = ""
    cookie: str = ""
    widgets: dict[str, tuple[str, str]] = field(default_factory=dict)  # user's key → id, fragment
    states: dict[str, Any] = field(default_factory=dict)  # id → WidgetState
    files: int = 0

    @property
    def secret(self) -> bytes:
        """A word that stands in this user's documents and their names, and nowhere else."""
        return self.tally.secrets[self.number]

    async def run(self, until: float) -> None:
        """Nothing; acts at random until a time, and notes what failed."""
        import websockets

        self.tally.secrets[self.number] = f"vault{secrets.token_hex(8)}".encode()
        try:
            await asyncio.sleep(self.dice.uniform(0, THINKING[1]))
            self.cookie = await asyncio.to_thread(self._fetch_cookie)
            url = f"{self.address.replace('http', 'ws')}/_stcore/stream"
            headers = {"Cookie": f"_streamlit_xsrf={self.cookie}"}
            async with websockets.connect(
                url, subprotocols=["streamlit"], max_size=None, additional_headers=headers, open_timeout=PATIENCE
            ) as socket:
                self.socket = socket
                await self._timed("open", self._rerun())
                await self._timed("upload", self._upload())
                acted = 0
                while time.monotonic() < until or acted < LEAST:
                    acted += 1
                    await asyncio.sleep(self.dice.uniform(*THINKING))
                    name = self.dice.choices(("cut", "search", "upload"), (6, 6, 1))[0]
                    await self._timed(name, getattr(self, f"_{name}")())
        except Exception as error:  # noqa: BLE001 — every failure of a user is the result of the test
            self.tally.failures.append(f"user {self.number}: {type(error).__name__}: {str(error)[:300]}")

    async def _timed(self, name: str, action: Any) -> None:
        begun = time.perf_counter()
        await asyncio.wait_for(action, PATIENCE)
        self.tally.seconds[name].append(time.perf_counter() - begun)

    # --- what a user does

    async def _cut(self) -> None:
        await self._set("chunk-size", int_array_value=[self.dice.randrange(60, 400)])

    async def _search(self) -> None:
        own = self.dice.random() < 0.5
        number = self.number if own else self.dice.choice([*self.tally.secrets])
        got = await self._set("query-box", string_value=f"needle{number:03d} {self.dice.randrange(1_000)}")
        if number == self.number and self.files and self.secret not in got:
            raise Failed("the own document was not among the hits")

    async def _upload(self) -> None:
        from streamlit.proto.BackMsg_pb2 import BackMsg

        if self.files >= 5:
            return
        name = f"{self.secret.decode()}-{self.files}.txt"
        lines = [f"Page {i} of the notes, line {self.dice.random():.6f}." for i in range(40)]
        lines.insert(20, f"The needle{self.number:03d} of file {self.files} opens {self.secret.decode()}.")
        data = "\n\n".join(lines).encode()
        asked = BackMsg()
        asked.file_urls_request.request_id = str(uuid.uuid4())
        asked.file_urls_request.session_id = self.session
        asked.file_urls_request.file_names.append(name)
        await self.socket.send(asked.SerializeToString())
        urls = None
        while urls is None:
            message = await self._receive()
            if message.WhichOneof("type") == "file_urls_response":
                urls = message.file_urls_response.file_urls[0]
        await asyncio.to_thread(self._put, urls.upload_url, name, data)
        key = next(key for key in self.widgets if key.startswith("upload-popover"))
        state = self._state(key)
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.name, info.size, info.file_id = name, len(data), urls.file_id
        info.file_urls.CopyFrom(urls)
        self.files += 1
        await self._rerun(self.widgets[key][1])
        self.states.pop(self.widgets[key][0], None)

    # --- the protocol

    def _fetch_cookie(self) -> str:
        with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=PATIENCE) as answer:
            found = re.search(r"_streamlit_xsrf=([^;]+)", answer.headers.get("Set-Cookie", ""))
            return found[1] if found else ""

    def _put(self, url: str, name: str, data: bytes) -> None:
        border = uuid.uuid4().hex
        head = f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
        body = head + data + f"\r\n--{border}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={border}",
            "X-Xsrftoken": urllib.parse.unquote(self.cookie),
            "Cookie": f"_streamlit_xsrf={self.cookie}",
        }
        request = urllib.request.Request(urllib.parse.urljoin(self.address, url), body, headers, method="PUT")
        with urllib.request.urlopen(request, timeout=PATIENCE):
            pass

    def _state(self, key: str) -> Any:
        from streamlit.proto.WidgetStates_pb2 import WidgetState

        id = self.widgets[key][0]
        self.states[id] = WidgetState(id=id)
        return self.states[id]

    async def _set(self, key: str, **value: Any) -> bytes:
        if key not in self.widgets:
            raise Failed(f"there is no widget {key}; there are {sorted(self.widgets)[:30]}")
        state = self._state(key)
        for name, content in value.items():
            if name.endswith("array_value"):
                getattr(state, name).data.extend(content)
            else:
                setattr(state, name, content)
        return await self._rerun(self.widgets[key][1])

    async def _rerun(self, fragment: str = "") -> bytes:
        """All that the server sent until the script ended."""
        from streamlit.proto.BackMsg_pb2 import BackMsg

        asked = BackMsg()
        asked.rerun_script.query_string = self.query
        asked.rerun_script.page_script_hash = self.page
        asked.rerun_script.fragment_id = fragment
        asked.rerun_script.widget_states.widgets.extend(self.states.values())
        await self.socket.send(asked.SerializeToString())
        got: list[bytes] = []
        while True:
            message = await self._receive(got)
            if message.WhichOneof("type") == "script_finished":
                if message.script_finished in _FINISHED:
                    return b"".join(got)
                if message.script_finished == 1:
                    raise Failed("the script did not compile")

    async def _receive(self, got: list[bytes] | None = None) -> Any:
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        data: bytes = await self.socket.recv()
        if got is not None:
            got.append(data)
        for number, secret in [*self.tally.secrets.items()]:
            if number != self.number and secret in data:
                raise Failed(f"saw the secret of user {number}")
        message = ForwardMsg.FromString(data)
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.session = message.new_session.initialize.session_id
            self.page = message.new_session.page_script_hash
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._look(message.delta)
        return message

    def _look(self, delta: Any) -> None:
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            raise Failed(f"an exception was shown: {element.exception.message[:200]}")
        if kind == "alert" and _APOLOGY in element.alert.body:
            raise Failed("the apology of the last boundary was shown")
        found = _KEY.fullmatch(str(getattr(getattr(element, kind or "", None), "id", "")))
        if found:
            old = self.widgets.get(found[1], ("", ""))[0]
            if old and old != found[0]:
                self.states.pop(old, None)
            self.widgets[found[1]] = found[0], delta.fragment_id


async def _all(address: str, query: str, users: int, seconds: float, seed: int) -> Tally:
    tally, until = Tally(), time.monotonic() + seconds
    people = [User(n, address, query, tally, random.Random(seed + n)) for n in range(users)]
    await asyncio.gather(*(user.run(until) for user in people))
    return tally


def soak(home: Path, users: int, seconds: float, seed: int = 0) -> Tally:
    """What happened to so many users in so many seconds on a server of their own in this WORKBENCH_HOME."""
    query = prepare(home)
    with serving(home, WORKBENCH_MODE="team") as address, ThreadPoolExecutor(1) as one:
        # In a thread of its own: where Playwright was used, this one has a loop already.
        tally = one.submit(asyncio.run, _all(address, query.lstrip("?"), users, seconds, seed)).result()
    log = (home / "streamlit.log").read_text(errors="replace")
    if "Traceback" in log:
        tally.failures.append(f"the server's log holds an error: {log[log.index('Traceback') :][:2_000]}")
    return tally


def main() -> int:
    """0 where no user saw an error or another's document."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--users", type=int, default=30)
    flags.add_argument("--minutes", type=float, default=10.0)
    flags.add_argument("--json", action="store_true", help="the seconds of every action, for machines")
    given = flags.parse_args()
    with tempfile.TemporaryDirectory(prefix="workbench-soak-") as folder:
        tally = soak(Path(folder) / "home", given.users, given.minutes * 60)
    print(json.dumps(tally.seconds) if given.json else tally.table())
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores" if hasattr(os, "getloadavg") else ""
    print(f"{given.users} users, {given.minutes:g} minutes; {load}", file=sys.stderr)
    for failure in tally.failures:
        print(failure, file=sys.stderr)
    print("FAILED" if tally.failures else "No error, and nobody saw another's document.", file=sys.stderr)
    return bool(tally.failures)


if __name__ == "__main__":
    sys.exit(main())
