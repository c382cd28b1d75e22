"""Pages that show derivations and verdicts."""
