"""`python -m tests.bench load [NAME ...]`: a server under load, and asked by clients that the suite lacks.

crowd: 200 clients at once against a queue of 16. vanish: clients that hang up. kills: the worker killed 50
times under load. memory: 1,000 requests. fuzz: schemathesis (to be
installed) over the OpenAPI document. node: npm's `openai`
(a folder with `node_modules` in $NODE_FOLDER).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.helpers.serving import Answer, Served, next_event, served, stream, workers

SMALL = {"prompt": "a red house", "width": 64, "height": 64, "steps": 1, "seed": 7}


def draw(server: Served, **more: object) -> Answer:
    """One picture by OpenAI's API."""
    return server.ask("POST", "/v1/images/generations", {**SMALL, **more})


def crowd() -> None:
    """Everybody is answered or refused, and what is refused is told when to come again."""
    with served("--queue", 16) as server:
        draw(server)
        gate = threading.Barrier(200)

        def one(_: int) -> tuple[int, float]:
            gate.wait()
            began = time.monotonic()
            answer = draw(server)
            assert answer.status == 200 or int(answer.headers["retry-after"]) > 0
            return answer.status, time.monotonic() - began

        with ThreadPoolExecutor(200) as pool:
            answers = list(pool.map(one, range(200)))
        refused = [seconds for status, seconds in answers if status == 503]
        print(f"crowd: {Counter(status for status, _ in answers)}")
        print(f"crowd: the slowest refusal after {max(refused):.2f} s; then {draw(server).status}")


def vanish() -> None:
    """Those who go away leave nothing behind: the next picture is drawn at once."""
    with served("--queue", 100) as server:
        draw(server)
        dice = random.Random(0)

        def one(number: int) -> None:
            connection, events = stream(server, {**SMALL, "steps": 1_000, "count": 50})
            if number % 2:
                next_event(events, "position", "step")
            time.sleep(dice.random())
            events.close()
            connection.close()

        with ThreadPoolExecutor(25) as pool:
            list(pool.map(one, range(100)))
        began = time.monotonic()
        assert draw(server).status == 200
        print(f"vanish: 100 clients gone; the next picture took {time.monotonic() - began:.2f} s")


def kills() -> None:
    """Nothing is lost: every picture that was asked for comes, or a failure that says why."""
    with served() as server:
        draw(server)
        over = threading.Event()
        answers: Counter[str] = Counter()

        def ask() -> None:
            while not over.is_set():
                answer = draw(server, steps=4)
                code = answer.data["error"]["code"] if answer.status != 200 else ""
                answers[f"{answer.status} {code}".strip()] += 1

        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        killed, last = 0, 0
        while killed < 50:
            time.sleep(0.5)
            for pid in workers(server.home):
                if pid != last and sum(answers.values()) > killed // 2:
                    os.kill(pid, signal.SIGKILL)
                    killed, last = killed + 1, pid
        over.set()
        for client in clients:
            client.join()
        print(f"kills: {killed} workers killed; {dict(answers)}; then {draw(server).status}")


def memory() -> None:
    """A thousand pictures leave the server and its worker as large as a hundred did."""
    with served("--queue", 16) as server:
        sizes = []
        for number in range(1_000):
            assert draw(server, seed=number).status == 200
            if number % 100 == 99:
                sizes.append((resident(server.process.pid), resident(workers(server.home)[0])))
        print(f"memory: MB of server and worker after each 100: {sizes}")


def resident(pid: int) -> int:
    """Megabytes that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


HOOKS = """
import schemathesis

@schemathesis.hook
def map_body(context, body):
    if isinstance(body, dict):  # what is valid is small, so that it is drawn in a moment
        for name, most in (("steps", 1), ("count", 1), ("batch", 1), ("width", 64), ("height", 64)):
            if isinstance(body.get(name), int) and body[name] > most:
                body[name] = most
    return body
"""


def fuzz() -> None:
    """No request is a fault of ours."""
    with served("--queue", 10_000) as server:
        hooks = server.home / "hooks.py"
        hooks.write_text(HOOKS)
        words = ("run", f"{server.url}/openapi.json", "--max-examples", "100", "--seed", "1")
        checks = "not_a_server_error,status_code_conformance,content_type_conformance"
        ran = subprocess.run(
            [Path(sys.executable).parent / "schemathesis", *words, "--checks", checks],
            env={**os.environ, "SCHEMATHESIS_HOOKS": str(hooks)},
            cwd=server.home,
            capture_output=True,
            text=True,
        )
        print("\n".join(ran.stdout.splitlines()[-40:]))
        print(f"fuzz: exit code {ran.returncode}; then {draw(server).status}")


NODE = """
import OpenAI, { toFile } from "openai";
const client = new OpenAI({ baseURL: process.argv[2] + "/v1", apiKey: "any", maxRetries: 0 });
const more = { size: "64x64", steps: 4, seed: 7 };
const said = [];
for await (const model of await client.models.list()) said.push(model.id);
const made = await client.images.generate({ prompt: "a house", n: 2, ...more });
said.push(made.data.length, made.data[0].seed, made.data[0].b64_json.slice(0, 5));
const file = await toFile(Buffer.from(made.data[0].b64_json, "base64"), "a.png", { type: "image/png" });
const edited = await client.images.edit({ image: file, prompt: "a boat", steps: 4 });
said.push(edited.size);
const kinds = [];
const events = await client.images.generate(
  { prompt: "a house", stream: true, partial_images: 1, ...more, steps: 30 });
for await (const event of events) kinds.push(event.type);
said.push(kinds);
try { await client.images.generate({ prompt: "a house", quality: "hd" }); }
catch (error) { said.push(error.status, error.param, error.constructor.name); }
console.log(JSON.stringify(said));
"""


def node() -> None:
    """The client of JavaScript, unmodified."""
    folder = Path(os.environ["NODE_FOLDER"])
    with served() as server:
        script = folder / "ask.mjs"
        script.write_text(NODE)
        ran = subprocess.run(
            ["node", script, server.url], capture_output=True, text=True, cwd=folder
        )
        print(f"node: {ran.stdout.strip()} {ran.stderr[-800:]}")


NAMES: dict[str, Callable[[], None]] = {
    one.__name__: one for one in (crowd, vanish, kills, memory, fuzz, node)
}


def main(words: list[str]) -> None:
    """Run those that are named, or all."""
    for name in words or NAMES:
        began = time.monotonic()
        NAMES[name]()
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
