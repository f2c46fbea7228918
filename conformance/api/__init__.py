"""Requests made from the OpenAPI description, and a database that goes away: the server must answer what it says it does."""
