from engine.runtime.timeline import Timeline


def test_deadlines_come_in_order_of_time_then_partition_then_name() -> None:
    timeline = Timeline()
    for due, key, name in ((5, "b", "x"), (5, "a", "y"), (3, "c", "z"), (5, "a", "x")):
        timeline.set(("rep", key, name), due)
    order = []
    while (fired := timeline.pop(10, inclusive=False)) is not None:
        order.append((fired[0], fired[1][1], fired[1][2]))
    assert order == [(3, "c", "z"), (5, "a", "x"), (5, "a", "y"), (5, "b", "x")]


def test_a_moved_deadline_fires_once_and_a_cancelled_one_never() -> None:
    timeline = Timeline([(3, "rep", "r1", "alert"), (4, "rep", "r2", "alert")])
    timeline.set(("rep", "r1", "alert"), 6)
    timeline.set(("rep", "r2", "alert"), None)
    assert timeline.pop(6, inclusive=False) is None
    assert timeline.peek() == 6
    assert timeline.pop(6, inclusive=True) == (6, ("rep", "r1", "alert"))
    assert timeline.peek() is None


def test_at_one_instant_entities_come_first_then_workflows_windows_rules_and_alerts() -> None:
    names = ["alert/busy", "window/visits", "rules", "workflow/visit/open/0", "entity/5"]
    timeline = Timeline([(5, "rep", "a", name) for name in names[:2]])
    for key, name in [("a", names[2]), ("a", names[3]), ("b", names[4]), ("b", names[0])]:
        timeline.set(("rep", key, name), 5)
    order = []
    while (fired := timeline.pop(5, inclusive=True)) is not None:
        order.append((fired[1][1], fired[1][2]))
    assert order == [
        ("b", names[4]),
        ("a", names[3]),
        ("a", names[1]),
        ("a", "rules"),
        ("a", names[0]),
        ("b", names[0]),
    ]
