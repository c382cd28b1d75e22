"""Which tensor is what in a model, from shapes and structure, never from names."""
