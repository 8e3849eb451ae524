"""Claims a name that another distribution claims too; never imported while both are there."""

raise AssertionError("imported")
