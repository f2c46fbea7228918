"""What a chart does by itself between two events: signals, effects of initial states and histories, eventless transitions."""

from collections.abc import Callable

import pytest

from tests.unit.core.charts import chart

Play = Callable[..., list[str]]

SIGNALS = chart(
    """
    context: {count: int = 0}
    signals: {full: {at: int}, quiet: {}}
    initial: box
    parallel: true
    states:
      box:
        initial: filling
        states:
          filling:
            on:
              put:
                set: {count: context.count + 1}
                then:
                  - {raise: full, data: {at: context.count}, when: context.count >= 2}
                  - {emit: said, data: {job: key, what: "'put ' + string(context.count)"}}
              full: {to: closed, when: data.at < 9}
          closed: {enter: [{raise: quiet}]}
      lamp:
        initial: off
        states:
          off: {on: {full: {to: lit, then: [{emit: said, data: {job: key, what: "'full at ' + string(data.at)"}}]}}}
          lit: {on: {quiet: {to: dark, when: "'closed' in active"}}}
          dark: {}
    """,
    "put",
).replace("    initial: box\n", "")


def test_a_signal_reaches_all_regions_before_the_next_event(play: Play) -> None:
    assert play(SIGNALS, "put", "put") == [
        "None → box.filling+lamp.off",
        "said put 1",
        "said put 2",
        "box.filling+lamp.off → box.closed+lamp.lit",
        "said full at 2",
        "box.closed+lamp.lit → box.closed+lamp.dark",
    ]


def test_after_a_signal_the_event_has_its_own_data_again(play: Play) -> None:
    twice = SIGNALS.replace(
        "          closed: {enter: [{raise: quiet}]}",
        "          closed: {after: [{for: 1h, when: context.count > 0, to: filling}], enter: [{raise: quiet}]}",
    )
    late = play(twice, "put", "put", ("put", {"n": 7}), until="2026-03-02T12:00:00+08:00")
    assert late[-1] == "box.closed+lamp.dark → box.filling+lamp.dark"
    assert not [one for one in late if one.startswith("!")]


ORDER = chart(
    """
    context: {path: string = ''}
    initial: {to: work, then: [{set: {path: "context.path + 'root '"}}]}
    states:
      work:
        initial: {to: first, then: [{set: {path: "context.path + 'initial '"}}]}
        enter: [{set: {path: "context.path + 'work '"}}]
        exit: [{set: {path: "context.path + 'out '"}}]
        states:
          first:
            enter: [{set: {path: "context.path + 'first '"}}]
            exit: [{set: {path: "context.path + 'left '"}}]
          again: {history: shallow, to: first, then: [{set: {path: "context.path + 'default '"}}]}
          second: {}
        on: {go: {to: rest, set: {path: "context.path + 'go '"}, then: [{set: {path: "context.path + 'then '"}}]}, skip: second}
      rest:
        on:
          go: again
          skip: work
          tell: {then: [{emit: said, data: {job: key, what: context.path}}]}
    """,
    "go",
    "skip",
    "tell",
)


def test_what_happens_on_the_way_happens_in_the_order_of_scxml(play: Play) -> None:
    assert play(ORDER, "go", "tell")[-1] == "said root work initial first left out go then "


def test_a_history_that_remembers_something_leaves_its_default_alone(play: Play) -> None:
    assert play(ORDER, "go", "go", "go", "tell")[-1].endswith("then work first left out go then ")


def test_a_history_that_remembers_nothing_does_what_its_default_does(play: Play) -> None:
    fresh = ORDER.replace("to: work, then", "to: rest, then")
    told = play(fresh, "go", "go", "tell")[-1]
    assert told == "said root work default first left out go then "


def test_only_a_state_that_is_entered_by_its_initial_does_what_that_says(play: Play) -> None:
    inner = ORDER.replace("go: again", "go: second")
    assert play(inner, "go", "go", "go", "tell")[-1].endswith("then work out go then ")


def test_what_a_chart_does_by_itself_at_its_start_is_over_before_the_event(play: Play) -> None:
    moved = chart(
        """
    initial: hall
    states:
      hall: {on: {go: wrong}, always: [{to: room}]}
      room: {on: {go: right}}
      wrong: {}
      right: {}
        """,
        "go",
    )
    assert play(moved, "go") == ["None → hall", "hall → room", "room → right"]


WILD = chart(
    """
    initial: open
    states:
      open:
        on:
          door.*: {to: heard, when: event.type != 'door.shut'}
          door.shut: shut
          "*": {when: event.type != 'said', then: [{emit: said, data: {job: key, what: "'something: ' + event.type"}}]}
      heard: {on: {"*": {to: open, when: has(data.n) && data.n > 1}}}
      shut: {final: true}
    """,
    "door",
    "door.knock",
    "door.shut",
    "doorbell",
)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("door.knock", "open → heard"),
        ("door", "open → heard"),
        ("door.shut", "open → shut"),
        ("doorbell", "said something: doorbell"),
    ],
)
def test_a_pattern_of_events_means_the_name_and_all_that_begin_with_it(play: Play, name: str, told: str) -> None:
    assert play(WILD, name)[1] == told


def test_what_a_pattern_of_events_reads_must_be_there_in_all_of_them(play: Play) -> None:
    assert play(WILD, "door.knock", ("door.shut", {"n": 2}))[-1] == "heard → open"
    assert play(WILD, "door.knock", "door.shut")[-1] == "-door.shut"


def test_a_chart_that_raises_signals_for_ever_is_an_error_and_stays_as_it_is(play: Play) -> None:
    endless = chart(
        """
    signals: {again: {}}
    initial: one
    states:
      one: {on: {go: {then: [{raise: again}]}, again: {then: [{raise: again}]}}}
        """,
        "go",
    )
    assert play(endless, "go") == ["!endless_chart"]


def test_what_an_effect_sets_is_seen_by_the_next_one(play: Play) -> None:
    counted = chart(
        """
    context: {n: int = 1}
    initial: one
    states:
      one:
        on:
          go:
            then:
              - {set: {n: context.n + 1}}
              - {set: {n: context.n * 10}, when: context.n == 2}
              - {emit: said, data: {job: key, what: string(context.n)}}
        """,
        "go",
    )
    assert play(counted, "go") == ["None → one", "said 20"]


def test_regions_without_anything_in_them_are_active_at_once_in_a_chart_that_is_parallel_itself(play: Play) -> None:
    both = chart(
        """
    parallel: true
    states:
      left: {on: {go: {then: []}}}
      right: {on: {end: {then: []}}}
        """,
        "go",
        "end",
    )
    assert play(both, "go") == ["None → left+right"]


def test_a_state_that_begins_with_a_history_does_its_own_beginning_first(play: Play) -> None:
    remembering = ORDER.replace("initial: {to: first, then", "initial: {to: again, then")
    assert play(remembering, "go", "tell")[-1] == "said root work initial default first left out go then "


def test_a_state_that_is_active_and_not_left_is_not_entered_again(play: Play) -> None:
    remembering = chart(
        """
    context: {path: string = ''}
    initial: house
    states:
      house:
        initial: room
        states:
          room:
            initial: chair
            enter: [{set: {path: "context.path + 'room '"}}]
            states:
              chair:
                enter: [{set: {path: "context.path + 'chair '"}}]
                on: {go: back}
          back: {history: deep, to: chair}
        on: {tell: {then: [{emit: said, data: {job: key, what: context.path}}]}}
        """,
        "go",
        "tell",
    )
    assert play(remembering, "go", "tell")[-1] == "said room chair chair "
