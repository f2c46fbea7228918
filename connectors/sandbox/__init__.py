"""Local servers that speak the wire of the real services, and refuse what the real services refuse."""
