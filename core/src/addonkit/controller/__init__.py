"""Makes the world match the store: pure decisions, thin acts."""
