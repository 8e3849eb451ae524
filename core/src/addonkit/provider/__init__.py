"""What the steps of an addon use: the framework, servers, and the base of server addons."""
