"""A mail server for tests: takes mail from app/right and writes each one down; refuses whom it is told to."""

import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

directory, port, certificate, key = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]


class Handler:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 there is no such secret mailbox"
        if address.startswith("later@"):
            return "451 try again, secret mailbox"
        if address.startswith("slow@"):
            await asyncio.sleep(600)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        Handler.count += 1
        login = session.auth_data.login.decode() if session.authenticated else ""
        encrypted = "yes" if session.ssl else "no"
        head = f"login: {login}\nencrypted: {encrypted}\nto: {','.join(envelope.rcpt_tos)}\n"
        partial = directory / "partial"
        partial.write_bytes(head.encode() + envelope.content)
        partial.rename(directory / f"mail-{Handler.count}")
        return "250 OK"


def login(server, session, envelope, mechanism, data):
    right = data.login == b"app" and data.password == b"right"
    return AuthResult(success=right, handled=False, auth_data=data)


async def main():
    context = None
    if certificate != "-":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)

    def session():
        return SMTP(
            Handler(),
            hostname="localhost",
            tls_context=context,
            authenticator=login,
            auth_require_tls=context is not None,
            auth_required=context is not None,
        )

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", port)
    await server.serve_forever()


asyncio.run(main())
