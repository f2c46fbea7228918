"""Every code that a diagnostic can have, with what it means. The reference explains each of them."""

from __future__ import annotations

from collections.abc import Mapping

FILES: Mapping[str, str] = {
    "no_such_pack": "there is no such folder, file or built-in pack",
    "empty_pack": "the pack has no YAML file",
    "code_in_pack": "a file that is not YAML: packs hold no code",
    "symlink": "a link that leaves the folder of the pack",
    "too_large": "a file, the pack, or a list of values is larger than allowed",
    "encoding": "a file that is not UTF-8",
}

YAML: Mapping[str, str] = {
    "yaml": "the file does not read as YAML",
    "duplicate_key": "a key is given twice in one map",
    "tag": "a YAML tag, which a pack must not have",
    "quote_it": "a value inside { } is missing, mostly because a text with a comma is not quoted",
    "too_deep": "values or expressions are nested too deep",
}

SHAPE: Mapping[str, str] = {
    "unknown_key": "a key that has no meaning here",
    "missing_key": "a key that must be given",
    "empty_value": "a key without a value, half-filled",
    "bad_value": "a value of the wrong shape, or not one of those allowed",
    "bad_name": "a name that cannot be written in an expression",
    "bad_duration": "not a span of time such as 72h, 7d or 1h30m",
    "bad_timestamp": "not a date or an instant with an offset",
    "bad_calendar": "a zone, a day, hours or holidays that a calendar cannot have",
    "unknown_type": "a field type that does not exist",
    "duplicate_name": "a name that is already taken",
    "reserved_name": "a name that belongs to the engine",
    "literal_secret": "a secret written into the pack",
}

NAMES: Mapping[str, str] = {
    "unknown_event": "an event that no file declares",
    "unknown_entity": "an entity that no file declares",
    "unknown_scope": "a scope that no event's keys name",
    "unknown_calendar": "a calendar that no file declares",
    "unknown_metric": "a metric that no file declares",
    "unknown_channel": "a `do` that no channel declares",
    "unknown_param": "a parameter that the pack does not declare",
    "unknown_state": "a state that the chart does not have",
    "unknown_signal": "a signal that the workflow does not declare",
    "unknown_alias": "an alias that no pattern of the rule has",
    "bad_recipient": "`to` does not give an entity",
}

EXPRESSIONS: Mapping[str, str] = {
    "syntax": "the expression does not read",
    "too_long": "the expression is too long",
    "unknown_name": "a name that is not in scope",
    "unknown_field": "a field that does not exist",
    "unknown_function": "a function that does not exist",
    "unknown_value": "a value that the field cannot have",
    "wrong_type": "a value of another type than is wanted",
    "not_a_value": "an event, a metric or a workflow as a whole, an optional value or a type, where a value is kept, sent or counted",
    "no_overload": "an operator or a function that is not defined for these types",
    "unguarded_optional": "an optional value is read though it may be absent",
    "clock_form": "`now` used in a way that cannot be waited for",
    "template": "braces of a template that do not close",
}

MEANING: Mapping[str, str] = {
    "missing_initial": "a chart, or a state with states in it, does not say where it starts",
    "final_state": "a final state that has transitions, deadlines or states",
    "unreachable_state": "a state that nothing leads to",
    "never_starts": "a workflow whose initial state handles no event that reaches its scope",
    "bad_deadline": "an `after` without exactly one of for, working and until",
    "bad_target": "states that cannot be active together, or not where they are wanted",
    "bad_roles": "`roles` where nobody causes what happens",
    "bad_migrate": "a state that instances are moved from though it is still there",
    "dead_metric": "a metric that no event can ever change, because none reaches its scope",
    "bad_metric": "parts of a metric that do not go together",
    "bad_roster": "a roster that is not `ENTITY where CONDITION` of the metric's scope",
    "bad_popup": "parts of a pop-up that do not go together",
    "bad_experiment": "arms, weights or parity of an experiment that do not go together",
    "missing_field": "a required field of an emitted event is not given",
    "other_scope": "something that another scope's partitions know",
    "never_asserted": "a fact that no rule asserts",
    "circular_group": "a conclusion that depends on a group which asks about it",
    "unkeyed_join": "patterns without a common key: every pair is tried",
    "form_too_long": "more required fields than the form may ask of a person",
    "bad_test": "a part of a test that is not what the pack declares",
}

CODES: Mapping[str, str] = {**FILES, **YAML, **SHAPE, **NAMES, **EXPRESSIONS, **MEANING}
