"""Webhooks: an action as a JSON document, posted to somebody else's server."""
