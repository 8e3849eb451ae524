"""Entities with revisions; one transaction per decision."""
