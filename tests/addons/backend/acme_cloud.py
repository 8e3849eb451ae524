"""A backend, as far as the registry is concerned."""


class Cloud:
    name = "cloud"
