"""Rulesets of durable_rules (https://github.com/jruizgit/rules), in their JSON form, on this engine's matcher.

`Host(rulesets, actions)` takes what `Host.set_rulesets` of durable_rules takes, as its reference of the JSON form describes it and
as `durable.lang` produces it, and answers `post`, `assert_fact`, `retract_fact`, `update_state` and timers. `pack_text` gives the
pack that a ruleset becomes. What was observed of durable_rules 2.0.28 is kept where it is sound: an event is seen by one firing
and is gone, a fact by each; a message stands for one pattern of a rule only, unless `dist` is 0; a smaller `pri` goes first; of a
`count` the newest message comes first.

On purpose it is different here:

- Of several events that would do, the one posted first is taken; durable_rules takes the last one. An `$or` of which both sides
  hold fires once, not twice. A comparison with a property that is not there is false; there it ends the search of other rules as well.
- A message wanted by no rule is forgotten, and none is refused for it; a fact that is known already raises, as there.
- Types are not mixed: `5` is not `"5"`, and nothing but a number is less than a number. durable_rules compares `"abc" > 5`.
- All that one message sets off is decided before the first action runs; what actions post, assert and change is looked at after,
  in their order. An action cannot undo what was decided with it.
- A state that an action leaves as it was sets nothing off; durable_rules fires on it again, for ever where a condition still holds.
- An exception in an action is kept in the state's `exception` where a rule looks at that, and raised where none does.
- A `cap` is met by handing firings that follow each other to one action, at most so many, the first one first.
- Division is that of decimals, and time is `clock`'s: a timer rings when `Host.tick` finds it due, at its own instant.

Refused, each with an error that names it: `count` over several patterns or over more than 16 messages, rules over more than 6
messages, timers with manual reset, references to another `sid`'s state, rulesets inside a `run`.
"""

from engine.interop.durable_rules.host import Host
from engine.interop.durable_rules.pack import pack_text
from engine.interop.durable_rules.play import Content, Context, ObservedError

__all__ = ["Content", "Context", "Host", "ObservedError", "pack_text"]
