"""A private certificate authority and the server certificates it signs.

Everything lies in one folder: ``ca.pem`` (what clients trust), ``ca.key``, and per certificate
``<name>.pem`` and ``<name>.key``. Keys are readable by their owner alone.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)
# Longer than a developer keeps a lab's state; renewed when less than a month is left.
AUTHORITY_LIFE = 3650 * DAY
LEAF_LIFE = 365 * DAY
RENEW_BEFORE = 30 * DAY


@dataclass(frozen=True)
class Certificate:
    """Paths of a PEM certificate (chain) and of its private key."""

    certificate: Path
    key: Path


def authority(folder: Path) -> Certificate:
    """Return the authority kept in *folder*, made when it is missing or about to end."""
    kept = Certificate(folder / "ca.pem", folder / "ca.key")
    if _is_usable(kept):
        return kept
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ecr-publish lab authority")])
    builder = _builder(name, name, key.public_key(), AUTHORITY_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=True), critical=True)
    _write(kept, [builder.sign(key, hashes.SHA256())], key)
    return kept


def leaf(folder: Path, name: str, hosts: list[str], *, client: bool = False) -> Certificate:
    """Return a server's certificate for *hosts*, signed by the authority in *folder*; a client's where asked for.

    name: file name without suffix, for example ``registry``.
    hosts: DNS names (``*.`` wildcards allowed) and IP addresses; a kept certificate that lacks one is replaced.
    """
    purpose = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
    root = authority(folder)
    kept = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    issuer = x509.load_pem_x509_certificate(root.certificate.read_bytes())
    if _is_usable(kept) and _covers(kept, hosts, issuer):
        return kept
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:64])])
    builder = _builder(subject, issuer.subject, key.public_key(), LEAF_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName(_names(hosts)), critical=False)
    _write(kept, [builder.sign(_load_key(root.key), hashes.SHA256()), issuer], key)
    return kept


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, life: datetime.timedelta
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
    return (
        builder.serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _names(hosts: list[str]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return names


def _is_usable(kept: Certificate) -> bool:
    if not (kept.certificate.is_file() and kept.key.is_file()):
        return False
    certificate = x509.load_pem_x509_certificate(kept.certificate.read_bytes())
    return certificate.not_valid_after_utc - datetime.datetime.now(datetime.timezone.utc) > RENEW_BEFORE


def _covers(kept: Certificate, hosts: list[str], issuer: x509.Certificate) -> bool:
    certificate = x509.load_pem_x509_certificate(kept.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if not set(_names(hosts)) <= set(names):
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # cryptography raises one of several types; each means "not this authority's"
        return False
    return True


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path} holds no elliptic curve key")
    return key


def _write(kept: Certificate, chain: list[x509.Certificate], key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_private(kept.key, pem)
    kept.certificate.write_bytes(b"".join(c.public_bytes(serialization.Encoding.PEM) for c in chain))


def write_private(path: Path, content: bytes) -> None:
    """Write *content* to *path*, readable by its owner alone from the first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
