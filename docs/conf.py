"""How Sphinx builds the documentation: MyST pages, the theme furo, nothing fetched from elsewhere."""

project = "addonkit"
author = "the addonkit maintainers"
project_copyright = author

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
myst_enable_extensions = ["fieldlist"]

html_theme = "furo"
html_title = "addonkit"
nitpicky = True
