"""Server addons, declared: what a server needs to run, and what an app has on it. The sagas follow from that."""
