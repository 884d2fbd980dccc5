"""A mail server for tests: aiosmtpd. It prints its port, then each message that it
was sent, one line of JSON each. It ends when its standard input does.

usage: server.py tls|starttls|login|none CERT KEY
"""
import asyncio, email, email.policy, json, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

mode, cert, key = sys.argv[1:4]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)


def say(**what):
    print(json.dumps(what), flush=True)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("unknown"):
            return "550 5.1.1 nobody of that name"
        if address.startswith("later"):
            return "450 4.2.1 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        m = email.message_from_bytes(envelope.content, policy=email.policy.default)
        say(From=envelope.mail_from, To=envelope.rcpt_tos, Headers=[[k, str(v)] for k, v in m.items()],
            Body=m.get_content(), Secure=mode == "tls" or session.ssl is not None,
            User=(session.auth_data or b"").decode())
        return "250 OK"


def check(server, session, envelope, mechanism, data):
    if data.login == b"me" and data.password == b"canary-password":
        return AuthResult(success=True, auth_data=data.login)
    return AuthResult(success=False, handled=False)


def session():
    o = {"authenticator": check, "auth_exclude_mechanism": ["PLAIN"] if mode == "login" else []}
    if mode in ("starttls", "login"):
        o |= {"tls_context": context, "require_starttls": True}
    if mode == "tls":
        o |= {"auth_require_tls": False}
    return SMTP(Handler(), hostname="localhost", loop=asyncio.get_running_loop(), **o)


async def main():
    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0, ssl=context if mode == "tls" else None)
    say(Port=server.sockets[0].getsockname()[1])
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
