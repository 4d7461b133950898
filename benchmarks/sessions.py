"""Readers' sessions without browsers, each in the protocol of its framework.

    python sessions.py KIND ADDRESS SESSIONS SECONDS PAUSE CHOICES

KIND is facetally, streamlit or dash; CHOICES names a JSON list of agencies. Prints one JSON object:
seconds until a session stands open, seconds until a changed filter is shown, and errors. Run by the
Python of the frameworks' environment, for Streamlit's messages are defined in Streamlit.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import websockets

PATIENCE = 60
"""Seconds after which an answer that has not come is an error."""

Change = Callable[[str], Awaitable[None]]


# --- ours: Bokeh's messages ------------------------------------------------------------------


@asynccontextmanager
async def facetally(client: httpx.AsyncClient, address: str, first: str):
    """A page, its session and the websocket, as the page's script opens them."""
    query = f"agency={first}"
    page = await client.get(f"{address}/explore?{query}")
    page.raise_for_status()
    answer = await client.get(f"{address}/explore/session?{query}")
    answer.raise_for_status()
    item = answer.json()["item"]
    places = answer.json()["places"]
    synced = next(i for i, place in item["roots"].items() if place == places["synced"])
    host = urlsplit(address).netloc
    async with websockets.connect(
        f"ws://{host}/explore/ws",
        subprotocols=["bokeh", item["token"]],
        origin=address,
        max_size=None,
        max_queue=None,  # as a browser: it reads on, and answers pings, while its reader waits
        open_timeout=PATIENCE,
        ping_interval=None,
    ) as socket:
        await socket.recv()  # the header of Bokeh's acknowledgement
        sent = 0

        async def change(agency: str) -> None:
            nonlocal sent
            sent += 1
            wanted = f"agency={agency}"
            event = {
                "kind": "ModelChanged",
                "model": {"id": synced},
                "attr": "query",
                "new": wanted,
            }
            for part in (
                {"msgid": str(sent), "msgtype": "PATCH-DOC"},
                {},
                {"events": [event]},
            ):
                await socket.send(json.dumps(part))
            while True:
                part = await socket.recv()
                if isinstance(part, str) and f'"attr":"shown","new":"{wanted}"' in part:
                    return

        yield change


# --- Streamlit: protocol buffers over a websocket --------------------------------------------


@asynccontextmanager
async def streamlit(client: httpx.AsyncClient, address: str, first: str):
    """The page and the websocket that runs the script."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    (await client.get(address)).raise_for_status()
    host = urlsplit(address).netloc
    async with websockets.connect(
        f"ws://{host}/_stcore/stream",
        subprotocols=["streamlit"],
        origin=address,
        max_size=None,
        max_queue=None,  # as a browser: it reads on, and answers pings, while its reader waits
        open_timeout=PATIENCE,
        ping_interval=None,
    ) as socket:
        widget = ""

        async def run(chosen: str) -> None:
            nonlocal widget
            asked = BackMsg()
            asked.rerun_script.query_string = ""
            if widget:
                state = asked.rerun_script.widget_states.widgets.add()
                state.id = widget
                state.string_value = chosen
            await socket.send(asked.SerializeToString())
            charts = 0
            while True:
                told = ForwardMsg()
                told.ParseFromString(await socket.recv())
                kind = told.WhichOneof("type")
                if kind == "delta":
                    element = told.delta.new_element
                    if element.WhichOneof("type") == "selectbox":
                        widget = element.selectbox.id
                    charts += element.WhichOneof("type") == "vega_lite_chart"
                    if element.WhichOneof("type") == "exception":
                        raise RuntimeError(element.exception.message)
                # A chart that has not changed comes as a reference to the one sent before.
                charts += kind == "ref_hash"
                if kind == "script_finished":
                    if not charts:
                        raise RuntimeError("the script ended without a chart")
                    return

        await run(first)
        yield run


# --- Dash: a request for each change ---------------------------------------------------------


@asynccontextmanager
async def dash(client: httpx.AsyncClient, address: str, first: str):
    """The page, its layout and its first callback."""
    for path in ("/", "/_dash-layout", "/_dash-dependencies"):
        (await client.get(f"{address}{path}")).raise_for_status()

    async def change(agency: str) -> None:
        answer = await client.post(
            f"{address}/_dash-update-component",
            json={
                "output": "..chart.figure...table.data..",
                "outputs": [
                    {"id": "chart", "property": "figure"},
                    {"id": "table", "property": "data"},
                ],
                "inputs": [{"id": "agency", "property": "value", "value": agency}],
                "changedPropIds": ["agency.value"],
            },
        )
        answer.raise_for_status()
        if not answer.json()["response"]["chart"]["figure"]["data"]:
            raise RuntimeError("the answer holds no chart")

    await change(first)
    yield change


# --- the crowd -------------------------------------------------------------------------------


KINDS = {"facetally": facetally, "streamlit": streamlit, "dash": dash}


async def crowd(
    kind: str, address: str, sessions: int, seconds: float, pause: float, choices: list[str]
) -> dict[str, Any]:
    """So many sessions, opened over the first third of the time, each changing its filter about
    every ``pause`` seconds."""
    opened: list[float] = []
    changed: list[float] = []
    errors: list[str] = []
    ends = time.monotonic() + seconds
    limits = httpx.Limits(max_connections=sessions, max_keepalive_connections=sessions)

    async def reader(number: int, client: httpx.AsyncClient) -> None:
        dice = random.Random(number)
        await asyncio.sleep(number / sessions * seconds / 3)
        begun = time.monotonic()
        try:
            before = dice.choice(choices)
            async with KINDS[kind](client, address, before) as change:
                opened.append(time.monotonic() - begun)
                while time.monotonic() < ends:
                    await asyncio.sleep(dice.uniform(0.5, 1.5) * pause)
                    chosen = dice.choice([c for c in choices if c != before])
                    begun = time.monotonic()
                    await asyncio.wait_for(change(chosen), PATIENCE)
                    changed.append(time.monotonic() - begun)
                    before = chosen
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}"[:200])

    async with httpx.AsyncClient(timeout=PATIENCE, limits=limits) as client:
        await asyncio.gather(*(reader(n, client) for n in range(sessions)))
    return {"opened": opened, "changed": changed, "errors": errors}


if __name__ == "__main__":
    kind, address, sessions, seconds, pause, choices = sys.argv[1:]
    found = crowd(
        kind,
        address,
        int(sessions),
        float(seconds),
        float(pause),
        json.loads(Path(choices).read_text()),
    )
    print(json.dumps(asyncio.run(found)))
