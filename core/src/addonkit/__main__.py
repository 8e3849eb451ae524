"""`python -m addonkit` is the command `addonkit`."""

from addonkit.cli.main import main

main()
