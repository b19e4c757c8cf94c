"""`python -m tests.bench scale [NAME ...] [--jobs N]`: batches in shards at full length, with figures.

same: the same files by one process, two workers, four parts, two logical GPUs of Ray, three raylets.
kills: workers and drivers killed at random moments; a raylet removed. s3: a server that fails every fifth
request (moto). disk: a disk that fills up. readers: webdataset, datasets, pyarrow, duckdb.
launch: torchrun and accelerate. pace: two workers against one. cost: pace and memory over many pictures,
overhead of each.

It draws with the built-in model. `pip install "moto[server]" s3fs webdataset datasets duckdb ray` first.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SMALL = ("--steps", "1", "-W", "64", "-H", "64", "--threads", "1", "-q")
COLOURS = ("red", "blue", "green", "yellow", "white", "black", "purple", "orange")
THINGS = ("house", "tree", "cat", "boat", "star", "fish", "bird", "flower")


def command(*words: object) -> list[str]:
    """The program's words, for a process of its own."""
    return [sys.executable, "-m", "sdcli", *map(str, words)]


def environment(**more: str) -> dict[str, str]:
    """What such a process gets."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}


def run(*words: object, expect: int = 0, **more: str) -> float:
    """Run it to its end, silently; how long it took."""
    began = time.monotonic()
    ran = subprocess.run(command(*words), env=environment(**more), capture_output=True, text=True)
    if ran.returncode != expect:
        sys.exit(f"{words} ended with {ran.returncode}: {ran.stderr[-2000:]}")
    return time.monotonic() - began


def write_jobs(count: int) -> Path:
    """So many jobs that say different things."""
    path = Path("jobs.txt")
    dice = random.Random(0)
    lines = (f"a {dice.choice(COLOURS)} {dice.choice(THINGS)} number {n}" for n in range(count))
    path.write_text("\n".join(lines))
    return path


def contents(folder: str | Path) -> dict[str, str]:
    """A folder's files with their hashes; but for who drew them and when."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in Path(folder).rglob("*")
        if path.is_file() and not path.name.endswith(".times.json")
    }


def compare(name: str, folder: str, reference: dict[str, str]) -> None:
    """Say whether a folder holds the same files, byte for byte."""
    found = contents(folder)
    missing, more = reference.keys() - found.keys(), found.keys() - reference.keys()
    other = [key for key in reference.keys() & found.keys() if reference[key] != found[key]]
    verdict = "the same" if not (missing or more or other) else "NOT THE SAME"
    print(f"{name}: {verdict}: {len(missing)} missing, {len(more)} more, {len(other)} other bytes")


def reference_of(jobs: Path, count: int) -> dict[str, str]:
    """What one process draws."""
    if not Path("one").exists():
        seconds = run("batch", jobs, *SMALL, "--shards", 8, "-o", "one")
        print(f"one process: {count} pictures in {seconds:.1f} s, {count / seconds:.2f} a second")
    return contents("one")


def same(count: int) -> None:
    """Whoever draws it, the files are the same."""
    jobs = write_jobs(count)
    reference = reference_of(jobs, count)
    words = ("batch", jobs, *SMALL, "--shards", 8)
    seconds = run(*words, "--workers", 2, "-o", "two")
    print(f"two workers: {count} pictures in {seconds:.1f} s, {count / seconds:.2f} a second")
    compare("two workers", "two", reference)
    for part in range(1, 5):
        run(*words, "--shard", f"{part}/4", "-o", "parts")
    compare("four parts", "parts", reference)
    with ray_cluster([{"num_cpus": 2, "num_gpus": 2}]) as (cluster, address):
        seconds = run(*words, "--on", f"ray={address}", "--workers", "auto", "-o", "gpus")
        print(f"two logical GPUs of Ray: {count / seconds:.2f} a second")
        compare("two logical GPUs of Ray", "gpus", reference)
    with ray_cluster([{"num_cpus": 1}] * 3) as (cluster, address):
        drawing = subprocess.Popen(
            command(*words, "--on", f"ray={address}", "--workers", 2, "-o", "raylets"),
            env=environment(),
        )
        wait_for(lambda: len(list(Path("raylets").rglob("*.png"))) > count // 8)
        cluster.remove_node(cluster.list_all_nodes()[-1])
        print(f"three raylets, one removed: ended with {drawing.wait(1_200)}")
        compare("three raylets, one removed", "raylets", reference)


def pace(count: int) -> None:
    """Two workers against one, a thread each: pictures a second between their first and their last, so
    that their starts do not count."""
    jobs = write_jobs(count)
    for turn in range(2):
        one, two = (_pace(jobs, number, f"pace-{turn}-{number}") for number in (1, 2))
        print(f"pace: one worker {one:.2f} a second, two {two:.2f}: {two / one:.2f} times")


def _pace(jobs: Path, workers: int, folder: str) -> float:
    words = ("--steps", 2, "--threads", 1, "--shards", 24, "--workers", workers, "--json")
    began = command("batch", jobs, *words, "-o", folder)
    times: list[float] = []
    with subprocess.Popen(began, env=environment(), stdout=subprocess.PIPE, text=True) as drawing:
        for line in drawing.stdout or ():
            if json.loads(line)["event"] == "picture":
                times.append(time.monotonic())
    middle = times[len(times) // 8 : -(len(times) // 8)]
    return (len(middle) - 1) / (middle[-1] - middle[0])


def wait_for(there: Callable[[], bool], patience: float = 300) -> None:
    """Wait until something is there."""
    began = time.monotonic()
    while not there():
        if time.monotonic() - began > patience:
            sys.exit("waited in vain")
        time.sleep(0.2)


@contextlib.contextmanager
def ray_cluster(nodes: list[dict[str, Any]]) -> Iterator[tuple[Any, str]]:
    """Several raylets of this machine."""
    os.environ.update(environment(RAY_USAGE_STATS_ENABLED="0"))
    from ray.cluster_utils import Cluster

    more = {"object_store_memory": 100_000_000}
    cluster = Cluster(True, head_node_args={**nodes[0], **more, "include_dashboard": False})
    for node in nodes[1:]:
        cluster.add_node(**node, **more)
    try:
        yield cluster, cluster.address
    finally:
        cluster.shutdown()


def kills(count: int) -> None:
    """Workers and drivers die at random moments: after going on, everything is there once. Batch after
    batch, until enough were killed."""
    of_workers, of_drivers = max(count // 2, 1), max(count // 20, 1)
    jobs = write_jobs(count)
    reference = reference_of(jobs, count)
    dice, killed, rounds = random.Random(1), Counter[str](), 0
    for turn in range(200):
        folder = f"killed-{turn}"
        words = command(
            "batch", jobs, *SMALL, "--shards", 8, "--workers", 2, "-o", folder, "--json"
        )
        code = -1
        while code not in {0, 3} or contents(folder).keys() != reference.keys():
            rounds += 1
            if rounds > 1_000:
                sys.exit(f"kills: {folder} is not whole after {rounds} runs")
            drawing = subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, text=True)
            code = _torment(drawing, dice, killed, of_workers, of_drivers)
        print(f"kills: {dict(killed)} in {rounds} runs; files left: {leftovers(folder)}")
        compare(f"kills, {folder}", folder, reference)
        if killed["workers"] >= of_workers and killed["drivers"] >= of_drivers:
            break


def _torment(
    drawing: subprocess.Popen[str],
    dice: random.Random,
    killed: Counter[str],
    of_workers: int,
    of_drivers: int,
) -> int:
    """Kill workers of a run, and in the end the run itself, while there are kills left."""
    import threading

    alive: dict[int, int] = {}

    def listen() -> None:
        for line in drawing.stdout or ():
            event = json.loads(line)
            if event["event"] == "worker":
                alive[event["worker"]] = event["process"]

    threading.Thread(target=listen, daemon=True).start()
    lives_until = time.monotonic() + dice.uniform(6, 20)
    while drawing.poll() is None:
        time.sleep(dice.uniform(0.1, 6))  # a worker takes seconds to be there
        if alive and killed["workers"] < of_workers:
            number = dice.choice([*alive])
            with contextlib.suppress(OSError):
                os.kill(alive.pop(number), signal.SIGKILL)
                killed["workers"] += 1
        if killed["drivers"] < of_drivers and time.monotonic() > lives_until:
            drawing.kill()
            killed["drivers"] += 1
    left = [pid for pid in alive.values() if _is_alive(pid)]
    if left:
        time.sleep(2)
        print(f"kills: still running 2 s after the driver: {[p for p in left if _is_alive(p)]}")
    return drawing.wait()


def _is_alive(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def leftovers(folder: str) -> list[str]:
    """Files that nobody is to see."""
    return [str(path) for path in Path(folder).rglob(".*") if path.name != ".unfinished"]


def s3(count: int) -> None:
    """A server that fails every fifth request: every object is put whole, under its final name."""
    from moto.server import ThreadedMotoServer

    failing = FailingServer()
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with failing.before(f"http://127.0.0.1:{port}") as endpoint:
        keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "FSSPEC_S3_ENDPOINT_URL": endpoint,
                "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1"}  # fmt: skip
        os.environ.update(keys)
        import s3fs

        s3fs.S3FileSystem().mkdir("bucket")
        jobs = write_jobs(count)
        for kind in ("webdataset", "imagefolder"):
            failing.is_on = True
            words = ("batch", jobs, *SMALL, "--shards", 4, "--workers", 2, "--to", kind)
            run(*words, "-o", f"s3://bucket/{kind}", **keys)
            failing.is_on = False
            run(*words, "-o", f"local-{kind}")
            run("batch", "--verify", f"s3://bucket/{kind}", "--sample", 0, **keys)
            files = s3fs.S3FileSystem()
            files.get(f"bucket/{kind}", f"from-s3-{kind}", recursive=True)
            compare(f"s3, {kind}", f"from-s3-{kind}", contents(f"local-{kind}"))
    print(f"s3: {failing.failed} of {failing.requests} requests failed")
    server.stop()


class FailingServer:
    """Stands before another server, and answers every fifth request with 503."""

    def __init__(self) -> None:
        self.requests = self.failed = 0
        self.is_on = False

    @contextlib.contextmanager
    def before(self, behind: str) -> Iterator[str]:
        """Its address."""
        import threading
        import urllib.error
        import urllib.request
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        me = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                data = self.body()
                me.requests += me.is_on
                if me.is_on and me.requests % 5 == 0:
                    me.failed += 1
                    self.answer(503, {}, b"<Error><Code>SlowDown</Code></Error>")
                    return
                kept = {k: v for k, v in self.headers.items() if k.lower() not in _OF_THE_WAY}
                kept.setdefault(
                    "Content-Type", "application/octet-stream"
                )  # else urllib says: a form
                request = urllib.request.Request(
                    behind + self.path, data, kept, method=self.command
                )
                try:
                    with urllib.request.urlopen(request) as there:
                        self.answer(there.status, dict(there.headers), there.read())
                except urllib.error.HTTPError as error:
                    self.answer(error.code, dict(error.headers), error.read())

            def body(self) -> bytes | None:
                if "chunked" not in self.headers.get("transfer-encoding", ""):
                    length = int(self.headers.get("content-length", 0))
                    return self.rfile.read(length) if length else None
                pieces: list[bytes] = []
                while size := int(self.rfile.readline().partition(b";")[0], 16):
                    pieces.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(pieces)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any  # noqa: N815

            def answer(self, code: int, headers: dict[str, str], data: bytes) -> None:
                self.send_response(code)
                kept = {k: v for k, v in headers.items() if k.lower() not in _OF_THE_WAY}
                size = headers.get("Content-Length") if self.command == "HEAD" else None
                for name, value in {**kept, "Content-Length": size or str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):  # whoever asked may have gone
                    self.wfile.write(data)

            def log_message(self, *words: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


_OF_THE_WAY = {"content-length", "transfer-encoding", "connection", "date", "server", "expect"}


def disk(count: int) -> None:
    """A disk that fills up: the run ends with a reason, and goes on where there is room again."""
    jobs = write_jobs(count)
    reference = reference_of(jobs, count)
    for most in (2_000, 9_000, 16_000):
        limited = subprocess.run(
            command("batch", jobs, *SMALL, "--shards", 8, "-o", "full"),
            env=environment(),
            capture_output=True,
            text=True,
            preexec_fn=lambda most=most: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        )
        last = limited.stderr.strip().splitlines()[-2:]
        print(f"disk: files of at most {most} bytes: {limited.returncode}, {last}")
    run("batch", jobs, *SMALL, "-o", "full")
    compare("disk", "full", reference)


def readers(count: int) -> None:
    """What others read of each kind of output."""
    jobs = write_jobs(count)
    for kind in ("folder", "imagefolder", "webdataset", "parquet"):
        run("batch", jobs, *SMALL, "--shards", 2, "--measure", "clip", "--to", kind, "-o", kind)
        run("batch", "--verify", kind, "--sample", 2)
    import webdataset

    tars = sorted(map(str, Path("webdataset").glob("*.tar")))
    read = [*webdataset.WebDataset(tars, shardshuffle=False).decode("pil")]
    print(
        f"webdataset: {len(read)} samples, {sorted(read[0])}, {read[0]['png'].size}, {read[0]['txt']}"
    )
    import datasets

    datasets.disable_progress_bars()
    for kind, data in (
        ("imagefolder", {"data_dir": "imagefolder"}),
        ("parquet", {"data_files": "parquet/*.parquet"}),
        ("webdataset", {"data_files": "webdataset/*.tar"}),
    ):
        found = datasets.load_dataset(kind, split="train", cache_dir="cache", **data)
        picture = found[0].get("image") or found[0].get("png")
        print(f"datasets, {kind}: {len(found)} rows, {found.column_names}, {picture.size}")
    from pyarrow import parquet

    table = parquet.read_table("parquet")
    print(f"pyarrow: {table.num_rows} rows, {len(table.column('image')[0]['bytes'].as_py())} bytes")
    import duckdb

    query = "select count(*), min(width), avg(measured_clip) from 'parquet/*.parquet'"
    print(f"duckdb, parquet: {duckdb.sql(query).fetchall()}")
    query = "select count(*) from read_json('folder/_manifests/0*.jsonl') where key is not null"
    print(f"duckdb, manifests: {duckdb.sql(query).fetchall()}")


def launch(count: int) -> None:
    """Started alike by torchrun and accelerate, each process does its own part."""
    jobs = write_jobs(count)
    reference = reference_of(jobs, count)
    words = ["-m", "sdcli", "batch", str(jobs), *SMALL, "--shards", "8"]
    for name, starter in (
        ("torchrun", ["torch.distributed.run", "--nproc-per-node", "2"]),
        ("accelerate", ["accelerate.commands.launch", "--num_processes", "2", "--cpu"]),
    ):
        ran = subprocess.run(
            [sys.executable, "-m", *starter, *words, "-o", name],
            env=environment(),
            capture_output=True,
            text=True,
        )
        if ran.returncode:
            print(f"{name}: ended with {ran.returncode}: {ran.stderr[-600:]}")
        hosts = [json.loads(p.read_text()) for p in Path(name).rglob("*.times.json")]
        print(f"{name}: {sum(len(one['seconds']) for one in hosts)} pictures drawn in all")
        compare(name, name, reference)


def cost(count: int) -> None:
    """What the machinery takes beside drawing: seconds a picture, memory, pace from first to last."""
    from sdcli.batch.dispatch import Dispatcher
    from sdcli.batch.job_file import BatchJob, make_jobs
    from sdcli.batch.job_sources import read_rows
    from sdcli.batch.messages import Drawn, WorkerSettings
    from sdcli.batch.run_file import RunFile, hash_jobs
    from sdcli.batch.shards import cut_into_shards, list_samples
    from sdcli.batch.worker_process import ProcessPlace
    from sdcli.request import Draw, Request
    from sdcli.studies.judging_wish import NO_WISH

    began = time.monotonic()
    base = Request(Draw(), "", steps=1, width=64, height=64)
    jobs = [
        one
        for one in make_jobs(read_rows(str(write_jobs(count))), base)
        if isinstance(one, BatchJob)
    ]
    samples = list_samples(jobs)
    shards = cut_into_shards(samples, -(-count // 500))
    print(f"cost: {count} jobs read and cut in {time.monotonic() - began:.2f} s, {memory():.0f} MB")
    keys = hash_jobs(one.key for one in samples)
    drawn: list[float] = []
    memories: list[tuple[int, float, float, float]] = []
    for kind in ("folder", "webdataset"):
        drawn.clear()
        run_file = RunFile(keys, count, len(shards), kind, "png", 1, 1, "", metadata=True)
        settings = WorkerSettings(
            f"cost-{kind}", run_file, NO_WISH, None, open_empty_session, nobody
        )
        pids: list[int] = []

        def hear(number: int, message: Any, pids: list[int] = pids) -> None:
            pids += [message.process] if hasattr(message, "process") else []
            if isinstance(message, Drawn):
                drawn.append(time.monotonic())
                if len(drawn) % max(count // 4, 1) == 0:
                    busy = time.process_time() + processor_seconds(pids[0])
                    memories.append((len(drawn), memory(), memory(pids[0]), busy))

        Dispatcher(shards, ProcessPlace(settings, (), ()), 1, hear).run()
        thousands = [drawn[n + 999] - drawn[n] for n in range(0, len(drawn) - 999, 1_000)]
        each = (drawn[-1] - drawn[0]) / len(drawn) * 1_000
        print(f"cost, {kind}: {each:.2f} ms a picture beside drawing; by thousand, in s: "
              + " ".join(f"{one:.2f}" for one in thousands))  # fmt: skip
        (first, *_, begun), (last, *_, ended) = memories[0], memories[-1]
        busy = (ended - begun) / (last - first) * 1_000
        print(f"cost, {kind}: {busy:.2f} ms of a core for each, driver and worker together")
        for pictures, ours, worker, _ in memories:
            print(f"cost, {kind}: after {pictures}: {ours:.0f} MB, its worker {worker:.0f} MB")
        memories.clear()


class EmptySession:
    """Draws nothing: a finished picture at once, so that what is measured is all the rest."""

    def run_together(self, plans: Any, batch: int, listener: object) -> Iterator[Any]:
        """A picture of noise for each plan."""
        from PIL import Image

        from sdcli.picture import Picture, Provenance

        for plan in plans:
            image = Image.frombytes(
                "RGB", (64, 64), random.Random(plan.seed).randbytes(64 * 64 * 3)
            )
            yield Picture(image, plan, Provenance("cpu", "fp32", 0.1))


def open_empty_session(threads: int) -> EmptySession:
    """A session that draws nothing."""
    return EmptySession()


def nobody(*asked: object) -> Any:
    """No judges."""
    raise AssertionError(asked)


def memory(process: int | None = None) -> float:
    """Megabytes that a process has in memory now."""
    lines = Path(f"/proc/{process or 'self'}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def processor_seconds(process: int) -> float:
    """How long a process has had a core."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


BENCHES: dict[str, tuple[Callable[[int], None], int]] = {
    "same": (same, 400),
    "pace": (pace, 400),
    "kills": (kills, 400),
    "s3": (s3, 40),
    "disk": (disk, 16),
    "readers": (readers, 20),
    "launch": (launch, 32),
    "cost": (cost, 10_000),
}


def main(words: list[str]) -> None:
    """Run those that are named, or all, each in a folder of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=[*BENCHES])
    parser.add_argument("--jobs", type=int)
    asked = parser.parse_args(words)
    for name in asked.names:
        function, usual = BENCHES[name]
        folder = tempfile.mkdtemp(prefix=f"scale-{name}-")
        with contextlib.chdir(folder):
            os.environ["SDCLI_CACHE"] = str(Path(folder) / "cache-of-sdcli")
            began = time.monotonic()
            function(asked.jobs or usual)
            print(f"{name}: {time.monotonic() - began:.0f} s in all", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
