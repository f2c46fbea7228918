"""Replays a CRM export through the quote workflow of the sales packs."""
