"""A slow interpreter of statecharts: the algorithm of the SCXML Recommendation, appendix D, written down step by step.

It shares nothing with the engine. Charts are trees of `Node`; what happens is text that is appended to a path. In two things it follows
the prose of the Recommendation rather than the appendix: a parallel state has ended when all its children have, parallel ones too
(3.4); and a state that is active and was not left is not entered (3.13), as the appendix would have it where the default of a history
lies deeper than the history does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

MOST_MICROSTEPS = 1000


@dataclass(eq=False)
class Move:
    """A transition. `event` None: eventless. `spend`: it takes one from the budget, which must be above zero."""

    event: str | None
    targets: list[str]
    internal: bool = False
    wants: int | None = None
    inside: str | None = None
    spend: bool = False
    mark: str = ""
    raises: str | None = None


@dataclass(eq=False)
class Node:
    """A state. `initial` and, of a history, its default are `targets`; `begin` is what is marked on that way."""

    name: str
    kind: str
    children: list[Node] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    begin: str = ""
    moves: list[Move] = field(default_factory=list)
    parent: Node | None = None
    order: int = 0

    def below(self) -> Iterator[Node]:
        for child in self.children:
            yield child
            yield from child.below()

    def ancestors(self) -> list[Node]:
        return [] if self.parent is None else [self.parent, *self.parent.ancestors()]

    def within(self, other: Node) -> bool:
        return other in self.ancestors()


class EndlessError(Exception):
    """The chart does not come to rest."""


class Reference:
    """One instance of a chart. `root` is the `scxml` element."""

    def __init__(self, root: Node, budget: int) -> None:
        self.root = root
        self.nodes = {node.name: node for node in root.below()}
        for order, node in enumerate(root.below()):
            node.order = order
        self.configuration: list[Node] = []
        self.history: dict[str, list[Node]] = {}
        self.queue: list[str] = []
        self.path = ""
        self.budget = budget

    def start(self) -> None:
        self._mark(self.root.begin)
        self._enter([Move(None, self.root.targets)], {id(self.root): self.root})
        self._settle(0)

    def send(self, event: str, number: int) -> bool:
        """Process an event; whether any transition took it. Where it does not come to rest, nothing has happened."""
        held = (list(self.configuration), dict(self.history), self.path, self.budget)
        chosen = self._select(event, number)
        try:
            if chosen:
                self._microstep(chosen)
                self._settle(number)
        except EndlessError:
            self.configuration, self.history, self.path, self.budget = held
            self.queue = []
            raise
        return bool(chosen)

    def active(self) -> list[str]:
        atomic = [node for node in self.configuration if node.kind in ("atomic", "final")]
        return [node.name for node in sorted(atomic, key=lambda node: node.order)]

    # --- macrostep -------------------------------------------------------------------------------

    def _settle(self, number: int) -> None:
        for _ in range(MOST_MICROSTEPS):
            chosen = self._select(None, number)
            if not chosen:
                if not self.queue:
                    return
                chosen = self._select(self.queue.pop(0), number)
            if chosen:
                self._microstep(chosen)
        raise EndlessError

    def _select(self, event: str | None, number: int) -> list[tuple[Node, Move]]:
        enabled: list[tuple[Node, Move]] = []
        for atomic in sorted(self.configuration, key=lambda node: node.order):
            if atomic.kind not in ("atomic", "final"):
                continue
            found = self._first(atomic, event, number)
            if found is not None and found not in enabled:
                enabled.append(found)
        return self._without_conflicts(enabled)

    def _first(self, atomic: Node, event: str | None, number: int) -> tuple[Node, Move] | None:
        for node in (atomic, *atomic.ancestors()):
            for move in node.moves:
                if move.event == event and self._holds(move, number):
                    return node, move
        return None

    def _holds(self, move: Move, number: int) -> bool:
        names = {node.name for node in self.configuration}
        return (
            (move.wants is None or move.wants == number)
            and (move.inside is None or move.inside in names)
            and (not move.spend or self.budget > 0)
        )

    def _without_conflicts(self, enabled: list[tuple[Node, Move]]) -> list[tuple[Node, Move]]:
        filtered: list[tuple[Node, Move]] = []
        for one in enabled:
            preempted = False
            removed: list[tuple[Node, Move]] = []
            for other in filtered:
                if set(map(id, self._exit_set([one]))) & set(map(id, self._exit_set([other]))):
                    if one[0].within(other[0]):
                        removed.append(other)
                    else:
                        preempted = True
                        break
            if not preempted:
                filtered = [other for other in filtered if other not in removed]
                filtered.append(one)
        return filtered

    # --- microstep -------------------------------------------------------------------------------

    def _microstep(self, chosen: list[tuple[Node, Move]]) -> None:
        self._exit(chosen)
        for _, move in chosen:
            if move.spend:
                self.budget -= 1
            self._mark(move.mark)
            if move.raises is not None:
                self.queue.append(move.raises)
        self._enter([move for _, move in chosen], {id(move): node for node, move in chosen})

    def _exit_set(self, chosen: Iterable[tuple[Node, Move]]) -> list[Node]:
        found: list[Node] = []
        for node, move in chosen:
            if move.targets:
                domain = self._domain(node, move)
                found += [one for one in self.configuration if one.within(domain) and one not in found]
        return found

    def _exit(self, chosen: list[tuple[Node, Move]]) -> None:
        leaving = self._exit_set(chosen)
        for node in leaving:
            for child in node.children:
                if child.kind == "shallow":
                    self.history[child.name] = [one for one in self.configuration if one.parent is node]
                elif child.kind == "deep":
                    inside = [one for one in self.configuration if one.kind in ("atomic", "final") and one.within(node)]
                    self.history[child.name] = inside
        for node in sorted(leaving, key=lambda one: -one.order):
            self._mark(f"-{node.name}")
            self.configuration.remove(node)

    def _effective(self, targets: Iterable[str]) -> list[Node]:
        found: list[Node] = []
        for target in targets:
            node = self.nodes[target]
            if node.kind in ("shallow", "deep"):
                remembered = self.history.get(node.name)
                found += remembered if remembered is not None else self._effective(node.targets)
            else:
                found.append(node)
        return found

    def _domain(self, node: Node, move: Move) -> Node:
        targets = self._effective(move.targets)
        if move.internal and node.kind == "compound" and all(one.within(node) for one in targets):
            return node
        for above in node.ancestors():
            if above.kind in ("compound", "root") and all(one.within(above) for one in targets):
                return above
        raise AssertionError("the root contains everything")

    def _enter(self, moves: list[Move], sources: dict[int, Node]) -> None:
        entering: list[Node] = []
        default: list[Node] = []
        contents: dict[str, str] = {}
        for move in moves:
            for target in move.targets:
                self._add_descendants(self.nodes[target], entering, default, contents)
            if not move.targets:
                continue
            source = sources.get(id(move))
            domain = self.root if source is None else self._domain(source, move)
            for node in self._effective(move.targets):
                self._add_ancestors(node, domain, entering, default, contents)
        for node in sorted(entering, key=lambda one: one.order):
            if node in self.configuration:
                continue
            self._enter_one(node, node in default, contents.get(node.name, ""))

    def _enter_one(self, node: Node, default: bool, content: str) -> None:
        self.configuration.append(node)
        self._mark(f"+{node.name}")
        if default:
            self._mark(node.begin)
        self._mark(content)
        if node.kind != "final" or node.parent is None or node.parent is self.root:
            return
        self.queue.append(f"done.{node.parent.name}")
        above = node.parent.parent
        while above is not None and above.kind == "parallel" and all(map(self._final, regions(above))):
            self.queue.append(f"done.{above.name}")
            above = above.parent

    def _final(self, node: Node) -> bool:
        if node.kind == "compound":
            return any(child.kind == "final" and child in self.configuration for child in node.children)
        if node.kind == "parallel":
            return all(map(self._final, regions(node)))
        return False

    def _add_descendants(self, node: Node, entering: list[Node], default: list[Node], contents: dict[str, str]) -> None:
        if node.kind in ("shallow", "deep"):
            assert node.parent is not None
            remembered = self.history.get(node.name)
            if remembered is None:
                contents[node.parent.name] = node.begin
            below = remembered if remembered is not None else [self.nodes[name] for name in node.targets]
            for one in below:
                self._add_descendants(one, entering, default, contents)
            for one in below:
                self._add_ancestors(one, node.parent, entering, default, contents)
            return
        if node not in entering:
            entering.append(node)
        if node.kind == "compound":
            default.append(node)
            for name in node.targets:
                self._add_descendants(self.nodes[name], entering, default, contents)
            for name in node.targets:
                self._add_ancestors(self.nodes[name], node, entering, default, contents)
        elif node.kind == "parallel":
            self._add_regions(node, entering, default, contents)

    def _add_ancestors(
        self, node: Node, until: Node, entering: list[Node], default: list[Node], contents: dict[str, str]
    ) -> None:
        for above in node.ancestors():
            if above is until or above.kind == "root":
                return
            if above not in entering:
                entering.append(above)
            if above.kind == "parallel":
                self._add_regions(above, entering, default, contents)

    def _add_regions(self, node: Node, entering: list[Node], default: list[Node], contents: dict[str, str]) -> None:
        for child in regions(node):
            if not any(one is child or one.within(child) for one in entering):
                self._add_descendants(child, entering, default, contents)

    def _mark(self, text: str) -> None:
        if text:
            self.path += f"{text} "


def regions(node: Node) -> list[Node]:
    return [child for child in node.children if child.kind not in ("shallow", "deep")]
