"""Everything that a user can ask for: operations, plans, and the parts behind them."""
