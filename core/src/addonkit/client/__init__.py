"""A home that another process serves, asked over HTTP as if it were open here."""
