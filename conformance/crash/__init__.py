"""Processes that are killed while they work: nothing that was accepted is lost, nothing is done twice."""
