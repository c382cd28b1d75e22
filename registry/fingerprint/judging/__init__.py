"""Which words the numbers allow, and the sentences that say why."""
