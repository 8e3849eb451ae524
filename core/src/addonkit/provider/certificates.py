"""Signs certificates for servers that listen for other machines. What that needs is imported when one is signed."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from addonkit.errors import ComputeError
from addonkit.models.certificate import LIFE, Authority, Certificate
from addonkit.models.secret import Secret
from addonkit.util.addresses import listen_fault
from addonkit.util.files import replace_open

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    from addonkit.store.interface import Store, Transaction
    from addonkit.util.clock import Clock

FILE: Final = "ca.crt"
"""Name of the file, in a home, with the certificates that clients are to trust."""

NAME: Final = "authority"
"""Name of the one record."""

AUTHORITY_LIFE: Final = timedelta(days=3650)

_SKEW: Final = timedelta(days=1)
"""Clocks of clients may be late."""

_LONGEST_NAME: Final = 64
"""Characters of a common name (RFC 5280, appendix A.1)."""


class Certificates:
    """The authority of a home, made when the first server needs it.

    Attributes:
        file: path of the certificates that clients are to trust: public, the same for all servers of the home.
    """

    def __init__(self, store: Store, home: Path, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._path = home / FILE

    @property
    def file(self) -> str:
        """Return the path of the file that clients verify certificates with."""
        return str(self._path.absolute().parent.resolve() / self._path.name)

    async def issue(self, listen: str) -> Certificate:
        """Sign a certificate for a server that listens at an address or host name.

        Raises:
            ComputeError: the file for clients cannot be written.
        """
        authority = await self._authority()
        await self._write(authority)
        names = await asyncio.to_thread(_names_at, listen)
        return await asyncio.to_thread(sign, authority, names, self._clock.now().replace(microsecond=0))

    async def is_written(self) -> bool:
        """Return whether the file for clients is as it should be; so it is where there is no authority."""
        found = await self._store.get(Authority, NAME)
        return found is None or await asyncio.to_thread(_holds, self._path, found.value.bundle)

    async def write(self) -> None:
        """Write the file for clients. Does nothing where there is no authority.

        Raises:
            ComputeError: it cannot be written.
        """
        found = await self._store.get(Authority, NAME)
        if found is not None:
            await self._write(found.value)

    async def _authority(self) -> Authority:
        """Return the authority: another one, in time before its end. Clients trust the former one meanwhile."""
        now = self._clock.now().replace(microsecond=0)
        found = await self._store.get(Authority, NAME)
        if found is not None and found.value.expires - 2 * LIFE > now:
            return found.value
        made = await asyncio.to_thread(make_authority, now, found.value.text if found else "")

        def decide(tx: Transaction) -> Authority:
            entity = tx.get(Authority, NAME)
            if entity is None:
                return tx.create(NAME, made).value
            if found is None or entity.value.text != found.value.text:
                return entity.value  # another command was faster
            return tx.put(entity, made).value

        return await self._store.transact(decide)

    async def _write(self, authority: Authority) -> None:
        try:
            await asyncio.to_thread(_write, self._path, authority.bundle)
        except OSError as error:
            raise ComputeError(f"cannot write {self._path}", error.strerror or str(error)) from error


def _names_at(listen: str) -> tuple[str, ...]:
    """Return all names by which clients may ask for a server that listens there: what apps use first."""
    names = [listen, socket.gethostname().lower()]
    with suppress(OSError, UnicodeError):
        names += [str(found[4][0]) for found in socket.getaddrinfo(listen, None, type=socket.SOCK_STREAM)]
    return tuple(dict.fromkeys(name for name in names if not listen_fault(name)))


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_text() == text
    except (OSError, UnicodeError):
        return False


def _write(path: Path, text: str) -> None:
    if _holds(path, text):
        return
    replace_open(path, text.encode())
    path.chmod(0o644)  # whatever the umask: it is public, and apps may run as other users


def make_authority(now: datetime, former: str = "") -> Authority:
    """Make an authority that is valid from now on; `former` are the certificates that it had before. Blocking."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = _common_name(f"addonkit {now:%Y-%m-%d} {x509.random_serial_number():x}"[:40])
    expires = now + AUTHORITY_LIFE
    builder = _builder(key, name, name, now, expires)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs=True), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return Authority(_text(builder.sign(key, hashes.SHA256())), _key_text(key), expires, former)


def sign(authority: Authority, names: tuple[str, ...], now: datetime) -> Certificate:
    """Sign a certificate for a server of these names, valid from now on. Blocking."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    issuer = x509.load_pem_x509_certificate(authority.text.encode())
    signer = load_pem_private_key(authority.key.reveal().encode(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)  # as it was made above
    key = ec.generate_private_key(ec.SECP256R1())
    expires = now + LIFE
    subject = _common_name(names[0][:_LONGEST_NAME])
    builder = _builder(key, subject, issuer.subject, now, expires)
    builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs=False), critical=True)
    server = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH])
    builder = builder.add_extension(server, critical=False)
    signed_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(signed_by, critical=False)
    return Certificate(_text(builder.sign(signer, hashes.SHA256())), _key_text(key), names, expires)


def _builder(
    key: ec.EllipticCurvePrivateKey, subject: x509.Name, issuer: x509.Name, now: datetime, expires: datetime
) -> x509.CertificateBuilder:
    from cryptography import x509

    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=(now - _SKEW).replace(tzinfo=None),
        not_valid_after=expires.replace(tzinfo=None),
    )


def _common_name(text: str) -> x509.Name:
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, text)])


def _alternative(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name.lower())


def _usage(*, signs: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _text(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM).decode()


def _key_text(key: ec.EllipticCurvePrivateKey) -> Secret:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
