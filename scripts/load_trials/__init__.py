"""Tries `addonkit serve` under load and kills it in the middle; compares what there is with what clients asked for."""
