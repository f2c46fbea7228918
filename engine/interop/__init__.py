"""Other people's notations: diagrams of workflows, machines of `transitions`, rulesets of durable_rules."""
