"""Whether windows, open items and alert levels depend on the order of arrival: within lateness they must not."""
