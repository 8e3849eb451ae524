"""An addon that is a package."""
