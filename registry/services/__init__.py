"""Verbs that write several rows, or a row and a file, in one transaction."""
