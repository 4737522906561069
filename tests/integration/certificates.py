"""Certificates made for one run: a private authority with a server's certificate, apps' certificates, and what they sign."""

import base64
import datetime
import ipaddress
import json
import pathlib
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

# Programs look at a server's certificate with real time: this span holds whenever the tests run.
LONG_AGO, FAR_AHEAD = 1_577_836_800, 2_524_608_000  # 2020 to 2050


def naive(epoch):
    """The moment as this library takes it: UTC that does not say so."""
    return datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).replace(tzinfo=None)


def common_name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def unencrypted(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def certify(subject, key, issuer, signer, span=(LONG_AGO, FAR_AHEAD), **extensions):
    """A certificate of `subject`'s key, signed by `issuer`'s; extensions: authority=, host=, address=."""
    builder = (x509.CertificateBuilder().subject_name(common_name(subject)).issuer_name(common_name(issuer))
               .public_key(key.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(naive(span[0])).not_valid_after(naive(span[1]))
               .add_extension(x509.BasicConstraints(ca=bool(extensions.get("authority")), path_length=None), critical=True))
    names = [x509.DNSName(extensions["host"])] if extensions.get("host") else []
    if extensions.get("address"):
        names.append(x509.IPAddress(ipaddress.ip_address(extensions["address"])))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())


class Authority:
    """A private certificate authority: `file` is what its friends trust, `server` what localhost serves with."""

    def __init__(self, folder):
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.own = certify("test authority", self.key, "test authority", self.key, authority=True)
        self.file = folder / "ca.pem"
        self.file.write_bytes(pem(self.own))
        self.server = self.issue("server", "localhost", host="localhost")

    def issue(self, name, subject, span=(LONG_AGO, FAR_AHEAD), **extensions):
        """A file with a certificate for a server, the authority's and the key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = certify(subject, key, "test authority", self.key, span, **extensions)
        path = self.folder / f"{name}.pem"
        path.write_bytes(pem(certificate) + pem(self.own) + unencrypted(key))
        return path


class AppCertificate:
    """A self-signed certificate of an app: `public` is what Entra gets to see, `both` (certificate and key) the app's own."""

    def __init__(self, folder, name="app", span=(LONG_AGO, FAR_AHEAD), bits=2048):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        certificate = certify(name, self.key, name, self.key, span)
        self.public, self.both = folder / f"{name}.crt.pem", folder / f"{name}.pem"
        self.public.write_bytes(pem(certificate))
        self.both.write_bytes(pem(certificate) + unencrypted(self.key))
        self.sha1, self.sha256 = certificate.fingerprint(hashes.SHA1()), certificate.fingerprint(hashes.SHA256())

    @property
    def text(self):
        return pathlib.Path(self.both).read_text(encoding="ascii")


def encoded(value):
    """A part of a JWT: bytes as they are, anything else as JSON."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def signature(certificate, algorithm, data):
    pads = {"PS256": padding.PSS(padding.MGF1(hashes.SHA256()), 32), "RS256": padding.PKCS1v15()}
    return certificate.key.sign(data, pads[algorithm], hashes.SHA256())


def assertion(certificate, app, audience, now, algorithm="PS256", header=None, claims=None):
    """A client assertion; `header` and `claims` replace members, None takes one away."""
    thumbprint = {"x5t#S256": encoded(certificate.sha256)} if algorithm == "PS256" else {"x5t": encoded(certificate.sha1)}
    heads = {"alg": algorithm, "typ": "JWT", **thumbprint, **(header or {})}
    told = {"aud": audience, "iss": app, "sub": app, "jti": str(uuid.uuid4()), "iat": now, "nbf": now, "exp": now + 600,
            **(claims or {})}
    parts = [encoded({name: value for name, value in part.items() if value is not None}) for part in (heads, told)]
    return ".".join(parts + [encoded(signature(certificate, algorithm, ".".join(parts).encode()))])
