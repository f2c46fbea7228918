"""`python -m conformance reload`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from conformance import servers
from conformance.reload.pack import spoiled, written
from engine.errors import RulewrightError
from engine.runtime.examination import examined, source_of
from engine.runtime.hosts import let_decide
from engine.runtime.replay import live
from engine.store import DatabaseStore, open_store

ROOT = Path(__file__).parents[2]
PATIENCE = 60
"""Seconds in which everything must be stepped at the end."""

GROWTH = 1.05
SLOWER = 3.0


@dataclass(slots=True)
class Course:
    """What was seen: instants between which nothing was activated, or much was; memory in kB by process and activations."""

    calm: tuple[float, float] = (0.0, 0.0)
    busy: tuple[float, float] = (0.0, 0.0)
    refused: list[str] = field(default_factory=list)
    memory: dict[int, list[int]] = field(default_factory=dict)
    made: int = 0


@click.command("reload")
@click.option("--activations", type=click.IntRange(2), default=50, show_default=True, help="While events come in.")
@click.option("--rate", type=click.IntRange(1), default=100, show_default=True, help="Events a second.")
@click.option("--calm", type=click.IntRange(1), default=30, show_default=True, help="Seconds before, to compare with.")
@click.option(
    "--more", type=click.IntRange(0), default=450, show_default=True, help="Activations after, for the memory."
)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True)
def command(activations: int, rate: int, calm: int, more: int, workers: int) -> None:
    """Activate packs, some of them bad, while events come in, on a real PostgreSQL and a real Redis protocol.

    Afterwards every event has been stepped once, every decision is by the revision that was active at its event, and it is told how long
    events took from acceptance to commit, and what the workers' memory came to.

    \b
    Examples:
      python -m conformance reload
      python -m conformance reload --activations 10 --calm 5 --more 0
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(servers.schema(stack.enter_context(servers.postgres())))
        queue = stack.enter_context(servers.redis())
        store = open_store(url)
        assert isinstance(store, DatabaseStore)
        stack.callback(store.close)
        packs = folder / "pack"
        packs.mkdir()
        let_decide(store, source_of(written(packs, 1)), "first", "", examined)
        team = [_started("worker", url, queue, folder / f"worker{i}") for i in range(workers)]
        sender = _started("sender", url, queue, folder / "sender", str(rate))
        stack.callback(_ended, [*team, sender])
        course = Course()
        with _bar(activations + more) as advance:
            time.sleep(3)
            course.calm = (time.time(), time.time() + calm)
            time.sleep(calm)
            begun = time.time()
            _activate(store, packs, activations, course, advance)
            course.busy = (begun, time.time())
            _weigh(team, course)
            _activate(store, packs, more, course, advance)
            _weigh(team, course)
        _ended([sender])
        _quiet(store)
        _ended(team)
        found = [*_verdict(store, folder, workers), *_tell(course, folder, workers, more)]
    for one in found:
        click.echo(f"  {one}")
    sys.exit(1 if found else 0)


def _activate(store: DatabaseStore, folder: Path, number: int, course: Course, advance: object) -> None:
    assert callable(advance)
    for _ in range(number):
        version = course.made + 2
        if version % 5 == 0:
            try:
                let_decide(store, source_of(spoiled(folder, version)), "test", "bad", examined)
                course.refused.append("a bad pack was activated")
            except RulewrightError as error:
                course.refused.append(error.code)
        let_decide(store, source_of(written(folder, version)), "test", str(version), examined)
        course.made += 1
        advance()


def _started(kind: str, *arguments: object) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "conformance.reload.process", kind, *map(str, arguments)]
    return subprocess.Popen(words, cwd=ROOT)


def _ended(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    for process in processes:
        process.wait(60)


def _quiet(store: DatabaseStore) -> None:
    end = time.monotonic() + PATIENCE
    while store.backlog() and time.monotonic() < end:
        time.sleep(0.2)


def _weigh(team: list[subprocess.Popen[bytes]], course: Course) -> None:
    for process in team:
        status = Path(f"/proc/{process.pid}/status").read_text()
        size = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
        course.memory.setdefault(process.pid, []).append(int(size))


def _verdict(store: DatabaseStore, folder: Path, workers: int) -> Iterator[str]:
    """What is wrong with what was decided."""
    sent = {int(line.split()[0]) for line in (folder / "sender").read_text().splitlines()}
    stepped = [seq for seq, _ in _committed(folder, workers)]
    if store.backlog():
        yield f"{sum(store.backlog().values())} deliveries wait still"
    if len(stepped) != len(set(stepped)) or {seq for seq, _ in _committed(folder, workers)} < sent:
        yield "a delivery was not stepped, or committed twice"
    keys = sorted({("job", record.key) for _, record in store.decisions(kind="transition") if record.key})
    counted = sum(one.workflows.instances["job"].context["count"] for one in live(store, keys).values())
    if counted != len(sent):
        yield f"{len(sent)} events were accepted, and {counted} are in the state"
    activations = store.activations()
    seqs, revisions = (
        [one.seq for one in activations],
        [activations[0].previous, *[one.revision for one in activations]],
    )
    mixed = [seq for seq, record in store.decisions() if record.revision != revisions[bisect_left(seqs, seq)]]
    if mixed:
        yield f"{len(mixed)} decisions are by another revision than the active one, the first at event {mixed[0]}"


def _committed(folder: Path, workers: int) -> list[tuple[int, float]]:
    """When the last delivery of each event was committed."""
    latest: dict[int, float] = {}
    for i in range(workers):
        for line in (folder / f"worker{i}").read_text().splitlines():
            seq, at = line.split()
            latest[int(seq)] = max(latest.get(int(seq), 0.0), float(at))
    return sorted(latest.items())


def _tell(course: Course, folder: Path, workers: int, more: int) -> Iterator[str]:
    """Print what was measured; what misses its target is answered."""
    accepted = {int(seq): float(at) for seq, at in map(str.split, (folder / "sender").read_text().splitlines())}
    done = dict(_committed(folder, workers))
    spans = {
        name: sorted(done[seq] - at for seq, at in accepted.items() if begin <= at < end and seq in done)
        for name, (begin, end) in (("calm", course.calm), ("busy", course.busy))
    }
    bad = f"{len(course.refused)} bad packs refused ({', '.join(sorted(set(course.refused)))})"
    click.echo(f"{len(accepted)} events, {course.made} activations, {bad}")
    click.echo("| from acceptance to commit | events | p50 | p99 |\n|---|--:|--:|--:|")
    for name, values in spans.items():
        shown = f"{1000 * _at(values, 0.5):.1f} ms | {1000 * _at(values, 0.99):.1f} ms"
        click.echo(
            f"| {'nothing is activated' if name == 'calm' else 'packs are activated'} | {len(values)} | {shown} |"
        )
    ratio = _at(spans["busy"], 0.99) / _at(spans["calm"], 0.99)
    click.echo(f"p99 while packs are activated: {ratio:.2f} × the usual one (at most {SLOWER:g})")
    if ratio > SLOWER:
        yield f"p99 is {ratio:.2f} × the usual one"
    if not more:
        return
    before, after = (sum(sizes[i] for sizes in course.memory.values()) for i in (0, 1))
    click.echo(f"memory of the workers: {before / 1024:.1f} MiB, then {after / 1024:.1f} MiB: {after / before:.3f} ×")
    if after / before > GROWTH:
        yield f"memory grew to {after / before:.3f} ×"


def _at(values: list[float], share: float) -> float:
    return values[min(int(len(values) * share), len(values) - 1)] if values else float("nan")


@contextmanager
def _bar(total: int) -> Iterator[object]:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("activations", total=total)
        yield lambda: progress.advance(task)
