"""Names a default variant that does not exist."""

from mutants.depot import defined, made

CAUGHT_BY = "the_definition_is_valid"
SAYS = "default variant 'huge'"

ADDON = made(definition=defined(default_variant="huge"))
