"""From bytes on disk to named tensors, in bounded memory, trusting nothing."""
