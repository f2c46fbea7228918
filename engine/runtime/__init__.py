"""Around the pure step: admission, the log, time, commits, explanations, replay."""
