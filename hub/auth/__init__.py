"""Who is asking: tokens, the keys behind them, principals, and what ends them early."""
