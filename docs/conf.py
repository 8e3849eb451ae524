"""How Sphinx builds the documentation: MyST pages, the theme furo, nothing fetched from elsewhere."""

from pygments.lexers.special import TextLexer
from sphinx.highlighting import lexers

# Sequence diagrams: code hosts draw them; here they are shown as text, since drawing them would fetch a script.
lexers["mermaid"] = TextLexer()

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
