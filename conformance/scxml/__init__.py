"""Statecharts against SCION's tests of SCXML interpreters."""

from conformance.scxml.command import command

__all__ = ["command"]
