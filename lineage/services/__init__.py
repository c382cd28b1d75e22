"""Verbs that write claims: derivations, statements, declarations, verdicts."""
