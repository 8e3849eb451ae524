"""The resources of the API: a module each, with what it takes, what it gives, and its endpoints."""
