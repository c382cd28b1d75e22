"""What two sketches, or the weights behind them, have in common: counts and chances."""
