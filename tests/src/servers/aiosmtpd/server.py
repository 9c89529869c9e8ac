"""aiosmtpd with a handler for each kind of recipient.

Arguments: the port, the certificate, the key, then the addresses of the listeners: with STARTTLS,
without, with STARTTLS only.
"""

import asyncio
import ssl
import sys
import time

from aiosmtpd.smtp import SMTP

GREYLIST_DELAY_S = 2
MAILBOXES = set(open("mailboxes", encoding="utf-8").read().split())
DOMAINS = set(open("domains", encoding="utf-8").read().split())


class Recipients:
    """Answers RCPT as handlers in the field do: with the words of whoever wrote them."""

    def __init__(self):
        self.first_seen = {}

    async def handle_RCPT(self, server, session, envelope, address, options):
        local_part, _, domain = address.rpartition("@")
        kind = domain.split(".")[0]
        if domain not in DOMAINS:
            return "550 not relaying to that domain"
        if kind == "greylisted" and self.is_early(session, envelope, address):
            return "450 4.7.1 Greylisted, please come back later"
        if kind == "broken":
            raise RuntimeError("the data base of recipients is away")
        if local_part == "full":
            return "552 5.2.2 Mailbox full"
        if kind != "accept-all" and address not in MAILBOXES:
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    def is_early(self, session, envelope, address):
        now = time.monotonic()
        triplet = (session.peer[0], envelope.mail_from, address)
        return now - self.first_seen.setdefault(triplet, now) < GREYLIST_DELAY_S


async def main(port, certificate, key, with_tls, plain, tls_only):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    handler = Recipients()
    listeners = {
        plain: {},
        tls_only: {"tls_context": context, "require_starttls": True},
        with_tls: {"tls_context": context},
    }
    loop = asyncio.get_running_loop()
    for address, settings in listeners.items():
        def protocol(settings=settings):
            return SMTP(
                handler,
                hostname="mx.aiosmtpd.test",
                enable_SMTPUTF8=True,
                loop=loop,
                **settings,
            )

        await loop.create_server(protocol, address, int(port))
    await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
