"""The page at `/`: what an operator keeps open in a browser. It asks what the API asks, with the same rights."""
