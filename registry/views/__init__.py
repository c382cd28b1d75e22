"""Pages of what registry owns."""
