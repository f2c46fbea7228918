"""The pure heart: a program, a partition and a delivery go in; a new partition and its effects come out.

Nothing here does I/O, reads a clock or uses randomness: the same input gives the same bytes.
"""
