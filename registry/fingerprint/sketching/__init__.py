"""From a model to the sketch that stands for it: hashes, norms, units; its format."""
