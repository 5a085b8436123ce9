"""Sending a template to one person: choose, fill in, check, send."""
