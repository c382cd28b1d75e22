"""The hub protocol: teams push with the client that they already have."""
