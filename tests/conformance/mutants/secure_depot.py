"""A good addon whose servers can listen for other machines; other ones are made from it."""

import ssl
from collections.abc import Mapping

import attrs

from addonkit import LISTEN_OPTION, ConnectionInfo, File, Program, Server, TlsCheck, Variable
from mutants import depot

CLIENT = "mutants.secure_depot:Client"
CAUGHT_BY = ""

SOURCE = attrs.evolve(
    depot.SOURCE, tls=TlsCheck(("-c", "import ssl; print(ssl.OPENSSL_VERSION)"), "^OpenSSL", "install python3")
)
DEFINITION = depot.defined(
    program=SOURCE, options=(*depot.DEFINITION.options, LISTEN_OPTION), tls_variables=("DEPOT_CA_FILE",)
)


def program(server: Server) -> Program:
    certificate = server.certificate
    if certificate is None:
        return attrs.evolve(depot.program(server), source=SOURCE)
    plain = depot.program(server, "--listen", server.listen, "{run}/server.crt", "{run}/server.key")
    files = (File("{run}/server.crt", certificate.text), File("{run}/server.key", certificate.key))
    return attrs.evolve(plain, source=SOURCE.with_tls, files=(*plain.files, *files))


def variables(access: ConnectionInfo) -> tuple[Variable, ...]:
    trusted = (Variable("DEPOT_CA_FILE", access.ca_file),) if access.ca_file else ()
    return (*depot.variables(access), *trusted)


class Client(depot.Client):
    """An app that heeds the file of the authority."""

    def write(self, environ: Mapping[str, str], key: str, value: str) -> None:
        place, user, password = self._place(environ, key)
        depot.call(place, user, password, "PUT", value, self._context(environ))

    def read(self, environ: Mapping[str, str], key: str) -> str | None:
        return depot.call(*self._place(environ, key), context=self._context(environ))

    def _place(self, environ: Mapping[str, str], key: str) -> tuple[str, str, str]:
        place, user, password = super()._place(environ, key)
        return place.replace("http:", "https:") if "DEPOT_CA_FILE" in environ else place, user, password

    def _context(self, environ: Mapping[str, str]) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=environ["DEPOT_CA_FILE"]) if "DEPOT_CA_FILE" in environ else None


def made(**changes: object):
    return depot.made(**({"definition": DEFINITION, "program": program, "variables": variables} | changes))


ADDON = made()
