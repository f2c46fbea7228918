"""Random rulesets beside durable_rules itself (the extra `peers`), each in a process of its own: it may crash."""
