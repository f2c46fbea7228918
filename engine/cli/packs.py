"""`rulewright packs`: which revision of a pack decides on a store, since when, and what another one would do."""

from __future__ import annotations

import getpass
import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from msgspec.structs import asdict

from engine.cli import params_of
from engine.cli.comparison import COLOURS, comparison_json, progressing, show
from engine.core.calendar import to_instant, to_micros
from engine.core.program import Program
from engine.errors import RulewrightError
from engine.pack import BrokenPackError, assemble
from engine.pack.difference import Change, difference
from engine.runtime.activation import kept
from engine.runtime.examination import Source, examined, source_of
from engine.runtime.hosts import active, go_back, let_decide, named
from engine.runtime.instants import moment
from engine.runtime.shadow import shadowed
from engine.runtime.succession import kept_source
from engine.runtime.watch import Tried, watched
from engine.store import DatabaseStore, open_store
from engine.store.batch import Activation

_store = click.option(
    "--store", envvar="DATABASE_URL", required=True, metavar="URL", help="The store; DATABASE_URL by default."
)
_params = click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Override a param of the pack.")
_json = click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")
_by = click.option("--by", metavar="NAME", help="Who does it; by default who is logged in. Kept in the audit.")
_note = click.option("--note", default="", metavar="TEXT", help="Why; kept in the audit.")


@click.group()
def command() -> None:
    """Which revision of a pack decides on a store: keep, try, activate, compare and take back revisions.

    A revision is known by 16 digits over its files and params. PACK is a folder, a file, a built-in pack (sales), or, where a store
    keeps it, a revision.

    \b
    Examples:
      rulewright packs shadow my-pack/ --store sqlite:///team.db --since 2026-03-02T00:00:00+08:00
      rulewright packs activate my-pack/ --store sqlite:///team.db --note "stall after 45 days"
      rulewright packs rollback --store sqlite:///team.db
    """


@command.command("ls")
@_store
@_json
def ls(store: str, as_json: bool) -> None:
    """The revisions that a store keeps, and who activated which of them when.

    \b
    Example:
      rulewright packs ls --store sqlite:///team.db
    """
    with _opened(store) as opened:
        saved = opened.active_pack()
        known = {one.revision: f"{one.name} {one.version}" for one in opened.packs()}
        activations = opened.activations()
    current = saved.revision if saved is not None else None
    if as_json:
        revisions = [{"revision": one, "pack": title, "active": one == current} for one, title in known.items()]
        _print({"revisions": revisions, "activations": [_audit(one) for one in activations]})
        return
    for revision, title in known.items():
        click.echo(f"{'*' if revision == current else ' '} {revision}  {title}")
    for one in activations:
        click.echo(_line(one))


@command.command("push")
@click.argument("packs", nargs=-1, required=True, metavar="PACK…")
@_store
@_params
@_json
def push(packs: tuple[str, ...], store: str, params: tuple[str, ...], as_json: bool) -> None:
    """Check a pack, run its tests, and keep it on a store; it decides nothing yet.

    \b
    Example:
      rulewright packs push my-pack/ --store postgresql://rulewright@db/rulewright
    """
    source = source_of(packs, params_of(params))
    tests, program = examined(source), assemble(source.files, source.params)
    with _opened(store) as opened:
        opened.keep_pack(kept(program, opened.clock() or 0))
    if as_json:
        _print({"revision": program.revision, "tests": tests})
    else:
        click.echo(
            f"kept {program.revision}, {tests} tests pass; `rulewright packs activate {program.revision}` lets it decide"
        )


@command.command("activate")
@click.argument("packs", nargs=-1, required=True, metavar="PACK…")
@_store
@_params
@_by
@_note
@click.option("--no-tests", is_flag=True, help="Do not run the pack's own tests first.")
@click.option("--if-none", is_flag=True, help="Only where no pack is active yet; else nothing is done.")
@click.option("--watch", "watching", is_flag=True, help="Go on, and activate whatever is saved in the folders.")
@_json
def activate(
    packs: tuple[str, ...],
    store: str,
    params: tuple[str, ...],
    by: str | None,
    note: str,
    no_tests: bool,
    if_none: bool,
    watching: bool,
    as_json: bool,
) -> None:
    """Let a pack decide every event from now on, in every process that works on the store.

    It is checked, its tests run, and every process makes it ready before anything changes; whatever fails, the active revision goes on.

    \b
    Examples:
      rulewright packs activate my-pack/ --store sqlite:///team.db --by mei --note "stall after 45 days"
      rulewright packs activate 5f0c9a3e1b7d2c4f --store postgresql://rulewright@db/rulewright
      rulewright packs activate my-pack/ --store sqlite:///team.db --watch
    """
    who, given = by or getpass.getuser(), params_of(params)
    with _opened(store) as opened:
        held = opened.active_pack()
        if if_none and held is not None:
            _tell_held(held.revision, as_json)
            return

        def read() -> Source:
            return named(opened, packs[0], given) if len(packs) == 1 else source_of(packs, given)

        def let(source: Source) -> Activation | Program:
            return let_decide(opened, source, who, note, None if no_tests else examined)

        if watching:
            for tried in watched(_changes(packs), read, let):
                _tell_tried(tried)
        else:
            _tell(let(read()), as_json)


@command.command("rollback")
@_store
@click.option("--to", metavar="REVISION", help="By default the one before the active one.")
@_by
@_note
@_json
def rollback(store: str, to: str | None, by: str | None, note: str, as_json: bool) -> None:
    """Let an earlier revision decide again. Its tests are not run: it has decided already.

    \b
    Examples:
      rulewright packs rollback --store sqlite:///team.db
      rulewright packs rollback --store sqlite:///team.db --to 5f0c9a3e1b7d2c4f --note "wrong limit"
    """
    with _opened(store) as opened:
        _tell(go_back(opened, by or getpass.getuser(), to, note), as_json)


@command.command("diff")
@click.argument("pack", metavar="PACK")
@click.argument("other", required=False, metavar="[OTHER]")
@_store
@_params
@_json
def diff(pack: str, other: str | None, store: str, params: tuple[str, ...], as_json: bool) -> None:
    """What PACK defines otherwise than the active revision; or what OTHER does otherwise than PACK.

    \b
    Examples:
      rulewright packs diff my-pack/ --store sqlite:///team.db
      rulewright packs diff 5f0c9a3e1b7d2c4f 0a4be61cc26bd03e --store sqlite:///team.db
    """
    given = params_of(params)
    with _opened(store) as opened:
        new = named(opened, other or pack, given)
        old = named(opened, pack, {}) if other is not None else kept_source(opened, active(opened).revision)
    changes = difference(old.files, new.files, old.params, new.params)
    if as_json:
        _print([_change(one) for one in changes])
        return
    for one in changes:
        parts = f"  {', '.join(one.parts)}" if one.parts else ""
        sign = {"added": "+", "removed": "-", "changed": "~"}[one.kind]
        click.secho(f"{sign} {one.section}.{one.name}{parts}  {one.place or ''}".rstrip(), fg=COLOURS[one.kind])
    if not changes:
        click.echo("no difference")


@command.command("shadow")
@click.argument("packs", nargs=-1, required=True, metavar="PACK…")
@_store
@_params
@click.option("--since", metavar="T", help="Decide the events from this instant on (RFC 3339); by default all.")
@_json
def shadow(packs: tuple[str, ...], store: str, params: tuple[str, ...], since: str | None, as_json: bool) -> None:
    """Let a pack decide once more, beside the log, what was decided live, and say what it would have done otherwise.

    Nothing is sent, and nothing changes on the store.

    \b
    Examples:
      rulewright packs shadow my-pack/ --store sqlite:///team.db
      rulewright packs shadow my-pack/ --store sqlite:///team.db --since 2026-03-02T00:00:00+08:00 --json
    """
    given = params_of(params)
    with _opened(store) as opened:
        source = named(opened, packs[0], given) if len(packs) == 1 else source_of(packs, given)
        start = 0 if since is None else _sequence(opened, moment(since))
        with progressing("shadow", opened.sequence()) as progress:
            comparison = shadowed(active(opened), opened, source, start, progress=progress)
    _print(comparison_json(comparison)) if as_json else show(comparison)


# --- what is printed ----------------------------------------------------------------------------


@contextmanager
def _opened(url: str) -> Iterator[DatabaseStore]:
    opened = open_store(url)
    if not isinstance(opened, DatabaseStore):
        raise RulewrightError("store_unshared", "revisions are kept in a store that lasts", hint="sqlite:///team.db")
    try:
        yield opened
    finally:
        opened.close()


def _print(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def _audit(one: Activation) -> dict[str, Any]:
    return asdict(one) | {"at": to_instant(one.at).isoformat(), "when": to_instant(one.when).isoformat()}


def _line(one: Activation) -> str:
    tests = "tests not run" if one.tests is None else f"{one.tests} tests"
    when = f"{to_instant(one.when).astimezone():%Y-%m-%d %H:%M:%S}"
    return f"{when}  event {one.seq}  {one.previous} → {one.revision}  {one.by}, {tests}  {one.note}".rstrip()


def _tell(made: Activation | Program, as_json: bool) -> None:
    if as_json:
        _print(_audit(made) if isinstance(made, Activation) else {"revision": made.revision})
    else:
        click.echo(_sentence(made))


def _tell_held(revision: str, as_json: bool) -> None:
    if as_json:
        _print({"revision": revision})
    else:
        click.echo(f"revision {revision} is active already; nothing was done")


def _sentence(made: Activation | Program) -> str:
    if isinstance(made, Program):
        return f"revision {made.revision} decides from the first event on"
    held = f"; instances go on by {len(made.pinned)} earlier machines" if made.pinned else ""
    return f"revision {made.revision} decides from event {made.seq} on, in place of {made.previous}{held}"


def _tell_tried(tried: Tried) -> None:
    now = datetime.now().astimezone()
    if tried.made is not None:
        click.echo(f"{now:%H:%M:%S}  {_sentence(tried.made)}")
    elif isinstance(tried.failure, BrokenPackError):
        first, *others = tried.failure.diagnostics
        more = f" (and {len(others)} more)" if others else ""
        click.secho(f"{now:%H:%M:%S}  not activated: {first.place}: {first.code}: {first.message}{more}", fg="red")
    elif tried.failure is not None:
        click.secho(f"{now:%H:%M:%S}  not activated: {tried.failure}", fg="red")


def _changes(packs: Sequence[str]) -> Iterator[Collection[object]]:
    from watchfiles import watch

    folders = [pack for pack in packs if Path(pack).exists()]
    if not folders:
        raise RulewrightError("nothing_to_watch", "only folders and files can be watched", hint="--watch my-pack/")
    return watch(*folders, debounce=400, rust_timeout=500, yield_on_timeout=True, raise_interrupt=False)


def _change(one: Change) -> dict[str, Any]:
    place = None if one.place is None else str(one.place)
    return {"kind": one.kind, "section": one.section, "name": one.name, "parts": one.parts, "place": place}


def _sequence(store: DatabaseStore, instant: datetime) -> int:
    """The last sequence that was appended before an instant, in virtual time."""
    at, low, high = to_micros(instant), 0, store.sequence()
    while low < high:
        middle = (low + high + 1) // 2
        event = store.event(middle)
        if event is not None and event.now < at:
            low = middle
        else:
            high = middle - 1
    return low
