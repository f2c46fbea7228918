"""The Rulewright engine: packs, the pure step, the store and the workers around it."""
