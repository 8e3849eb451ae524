"""What `addonkit serve` answers over HTTP. Edges over `Kit`, without logic of their own."""
