"""Answers of `addonkit serve` over HTTP. Edges over `Kit`, without logic of their own."""
