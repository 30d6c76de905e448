# SPDX-License-Identifier: Apache-2.0
"""A front for exarch-sim that signs in as Exchange Server does: NTLM for each connection (MS-NLMP: negotiate, challenge,
authenticate; NTLMv2 only) or Basic. Made from the documents with nothing but the standard library, so that it shares no mistake
with libcurl. Also answers for Autodiscover, and an HTTP proxy that leads every name to this machine, so that real host names can
be searched for without DNS.

What it saw stands in `Front.log` and `Proxy.log`: what a test asks about."""
import base64
import collections
import hashlib
import hmac
import http.client
import http.server
import os
import socket
import ssl
import struct
import threading
import time
import urllib.parse

SIGNATURE = b'NTLMSSP\0'
NEGOTIATE, CHALLENGE, AUTHENTICATE = 1, 2, 3
UNICODE, REQUEST_TARGET, NTLM, ALWAYS_SIGN, EXTENDED, TARGET_INFO = 1, 4, 0x200, 0x8000, 0x80000, 0x800000
EPOCH_1601 = 11644473600  # seconds between 1601 and 1970
HOP_BY_HOP = {'connection', 'keep-alive', 'transfer-encoding', 'authorization', 'host', 'content-length', 'date', 'server'}


def md4(data):
    """RFC 1320. OpenSSL 3 has it in its legacy provider only."""
    def rotate(value, bits):
        value &= 0xffffffff
        return (value << bits | value >> (32 - bits)) & 0xffffffff
    state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]
    data_bits = 8 * len(data)
    data += b'\x80' + bytes(-(len(data) + 9) % 64) + struct.pack('<Q', data_bits)
    rounds = (
        (lambda x, y, z: x & y | ~x & z, 0, (3, 7, 11, 19), range(16)),
        (lambda x, y, z: x & y | x & z | y & z, 0x5a827999, (3, 5, 9, 13), [i % 4 * 4 + i // 4 for i in range(16)]),
        (lambda x, y, z: x ^ y ^ z, 0x6ed9eba1, (3, 9, 11, 15), (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15)),
    )
    for offset in range(0, len(data), 64):
        words = struct.unpack('<16I', data[offset:offset + 64])
        a, b, c, d = state
        for mix, constant, shifts, order in rounds:
            for step, index in enumerate(order):
                a = rotate(a + mix(b, c, d) + words[index] + constant, shifts[step % 4])
                a, b, c, d = d, a, b, c
        state = [(x + y) & 0xffffffff for x, y in zip(state, (a, b, c, d))]
    return struct.pack('<4I', *state)


def hmac_md5(key, data):
    return hmac.new(key, data, hashlib.md5).digest()


def av_pair(number, value):
    return struct.pack('<HH', number, len(value)) + value


def challenge_message(challenge):
    """MS-NLMP 2.2.1.2, with NetBIOS and DNS names and a time, as a member of a domain sends them."""
    target = 'CONTOSO'.encode('utf-16-le')
    now = struct.pack('<Q', int((time.time() + EPOCH_1601) * 10_000_000))
    info = b''.join((av_pair(2, target), av_pair(1, 'MBX1'.encode('utf-16-le')), av_pair(4, 'contoso.example'.encode('utf-16-le')),
                     av_pair(3, 'mbx1.contoso.example'.encode('utf-16-le')), av_pair(7, now), av_pair(0, b'')))
    flags = UNICODE | REQUEST_TARGET | NTLM | ALWAYS_SIGN | EXTENDED | TARGET_INFO | 0x10000  # the target is a domain
    head = 56
    return (SIGNATURE + struct.pack('<IHHII', CHALLENGE, len(target), len(target), head, flags) + challenge + bytes(8)
            + struct.pack('<HHI', len(info), len(info), head + len(target)) + bytes(8) + target + info)


def field(message, at):
    """The payload that the descriptor at AT points to."""
    size, _, offset = struct.unpack_from('<HHI', message, at)
    if offset + size > len(message):
        raise ValueError('a field points behind the message')
    return message[offset:offset + size]


def check_authenticate(message, challenge, users):
    """MS-NLMP 3.3.2. The user if the proof is right, else None."""
    if not message.startswith(SIGNATURE) or struct.unpack_from('<I', message, 8)[0] != AUTHENTICATE:
        raise ValueError('not an AUTHENTICATE message')
    response, domain, user = field(message, 20), field(message, 28), field(message, 36)
    if len(response) <= 24:
        return None  # NTLMv1
    name = user.decode('utf-16-le')
    full = domain.decode('utf-16-le') + '\\' + name if domain else name
    password = users.get(full.lower())
    if password is None:
        return None
    key = hmac_md5(md4(password.encode('utf-16-le')), name.upper().encode('utf-16-le') + domain)
    proof, blob = response[:16], response[16:]
    if blob[:2] != b'\1\1' or not hmac.compare_digest(proof, hmac_md5(key, challenge + blob)):
        return None
    return full


class Front:
    """KIND: 'ntlm', 'basic' or 'negotiate'. USERS: {'contoso\\\\svc': password}. UPSTREAM: (URL of the simulator, user, password, CA file).
    ANSWERS: {(host or '*', path in lower case): function of the request that gives (status, headers, body)}, before signing in
    when the function has `open` set."""

    def __init__(self, kind, users, upstream=None, tls=None, answers=None, close_after=0, accept=None, persistent=True):
        self.persistent = persistent
        self.accept = accept  # of 'negotiate': a token of the client's -> (its name or None, the answer's token)
        self.kind, self.upstream, self.answers, self.close_after = kind, upstream, answers or {}, close_after
        self.users = {name.lower(): password for name, password in users.items()}
        self.log, self.lock = collections.Counter(), threading.Lock()
        self.once = []  # answers to the next requests, before anything else
        self.requests = []  # (host, method, path, whether it carried an Authorization)
        front = self

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # a client that went

            def finish_request(self, request, client_address):
                if tls is not None:
                    request = tls.wrap_socket(request, server_side=True)
                front.count('connections')
                try:
                    super().finish_request(request, client_address)
                finally:
                    request.close()

        self.server = Server(('127.0.0.1', 0), type('Handler', (Handler,), {'front': front}))
        self.port = self.server.server_address[1]
        self.url = f'http{"s" if tls else ""}://localhost:{self.port}'
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def count(self, what):
        with self.lock:
            self.log[what] += 1

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    front = None

    def setup(self):
        super().setup()
        self.challenge = self.user = self.link = None
        self.served, self.extra = 0, {}

    def finish(self):
        if self.link is not None:
            self.link.close()
        super().finish()

    def log_message(self, *args):
        pass

    def do_POST(self):
        self.body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        host = self.headers.get('Host', '').split(':')[0].lower()
        authorization = self.headers.get('Authorization', '')
        with self.front.lock:
            self.front.requests.append((host, self.command, self.path, bool(authorization)))
            once = self.front.once.pop(0) if self.front.once else None
        path = self.path.split('?')[0].lower()
        answer = self.front.answers.get((host, path)) or self.front.answers.get(('*', path))
        if once is not None:
            self.reply(*once(self))
        elif answer is None and path.startswith('/autodiscover/'):
            self.reply(404, {}, b'')
        elif answer is not None and getattr(answer, 'open', False):
            self.reply(*answer(self))
        elif not self.signed_in(authorization):
            pass
        elif answer is not None:
            self.reply(*answer(self))
        else:
            self.forward()

    do_GET = do_POST

    def reply(self, status, headers, body):
        self.send_response(status)
        headers = {**headers, **self.extra}
        self.extra = {}
        for name, value in headers.items():
            self.send_header(name, value)
        self.served += 1
        if self.front.close_after and status == 200 and self.served >= self.front.close_after:
            self.send_header('Connection', 'close')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    # ---- signing in ----

    def signed_in(self, authorization):
        """True: go on. False: the answer was given."""
        if self.front.kind == 'basic':
            return self.basic(authorization)
        if self.user is not None and not authorization:
            self.front.count('signed in already')
            return True
        return self.negotiate(authorization) if self.front.kind == 'negotiate' else self.ntlm(authorization)

    def refuse(self, challenge):
        self.reply(401, {'WWW-Authenticate': challenge}, b'')
        return False

    def basic(self, authorization):
        if not authorization:
            self.front.count('asked')
            return self.refuse('Basic realm="mail"')
        user, _, password = base64.b64decode(authorization.removeprefix('Basic ')).decode().partition(':')
        good = self.front.users.get(user.lower()) == password
        self.front.count('good' if good else 'bad')
        return good or self.refuse('Basic realm="mail"')

    def negotiate(self, authorization):
        self.user = None
        if not authorization.startswith('Negotiate '):
            self.front.count('asked')
            return self.refuse('Negotiate')
        self.front.count('handshakes')
        self.user, token = self.front.accept(base64.b64decode(authorization.removeprefix('Negotiate ')))
        self.front.count('good' if self.user else 'bad')
        if self.user is not None:
            self.extra = {'WWW-Authenticate': 'Negotiate ' + base64.b64encode(token).decode(),
                          'Persistent-Auth': 'true' if self.front.persistent else 'false'}  # as IIS says it
        if not self.front.persistent:
            good, self.user = self.user is not None, None
            return good or self.refuse('Negotiate')
        return self.user is not None or self.refuse('Negotiate')

    def ntlm(self, authorization):
        self.user = None
        if not authorization.startswith('NTLM '):
            self.front.count('asked')
            return self.refuse('NTLM')
        message = base64.b64decode(authorization.removeprefix('NTLM '))
        kind = struct.unpack_from('<I', message, 8)[0]
        if message.startswith(SIGNATURE) and kind == NEGOTIATE:
            self.front.count('handshakes')
            self.challenge = os.urandom(8)
            return self.refuse('NTLM ' + base64.b64encode(challenge_message(self.challenge)).decode())
        challenge, self.challenge = self.challenge, None  # each is good for one try
        if challenge is not None:
            self.user = check_authenticate(message, challenge, self.front.users)
        self.front.count('good' if self.user else 'bad')
        return self.user is not None or self.refuse('NTLM')

    # ---- the simulator behind ----

    def forward(self):
        url, user, password, ca = self.front.upstream
        where = urllib.parse.urlsplit(url)
        if self.link is None and where.scheme == 'https':
            self.link = http.client.HTTPSConnection(where.hostname, where.port, timeout=120,
                                                    context=ssl.create_default_context(cafile=str(ca)))
        elif self.link is None:
            self.link = http.client.HTTPConnection(where.hostname, where.port, timeout=120)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        headers['Authorization'] = 'Basic ' + base64.b64encode(f'{user}:{password}'.encode()).decode()
        try:
            self.link.request(self.command, self.path, self.body, headers)
            answer = self.link.getresponse()
        except (ConnectionError, http.client.HTTPException):
            self.link.close()
            self.link.request(self.command, self.path, self.body, headers)
            answer = self.link.getresponse()
        body = answer.read()
        self.front.count('forwarded')
        self.reply(answer.status, {n: v for n, v in answer.getheaders() if n.lower() not in HOP_BY_HOP}, body)


# ---- Autodiscover ----

POX_NS = 'http://schemas.microsoft.com/exchange/autodiscover/'
POX = ('<?xml version="1.0" encoding="utf-8"?>\n<Autodiscover xmlns="' + POX_NS + 'responseschema/2006"><Response xmlns="' + POX_NS
       + 'outlook/responseschema/2006a"><Account><AccountType>email</AccountType>{}</Account></Response></Autodiscover>')
SOAP = ('<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetUserSettingsResponseMessage '
        'xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"><Response><ErrorCode>NoError</ErrorCode><UserResponses>'
        '<UserResponse><ErrorCode>NoError</ErrorCode><UserSettings><UserSetting><Name>ExternalEwsUrl</Name><Value>{}</Value>'
        '</UserSetting></UserSettings></UserResponse></UserResponses></Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>')
XML = {'Content-Type': 'text/xml; charset=utf-8'}


def pox_settings(url):
    return lambda request: (200, XML, POX.format(
        f'<Action>settings</Action><Protocol><Type>EXPR</Type><EwsUrl>{url}</EwsUrl></Protocol>').encode())


def pox_redirect(url):
    return lambda request: (200, XML, POX.format(f'<Action>redirectUrl</Action><RedirectUrl>{url}</RedirectUrl>').encode())


def soap_settings(url):
    return lambda request: (200, XML, SOAP.format(url).encode())


def json_settings(url):
    return unasked(lambda request: (200, {'Content-Type': 'application/json'},
                                    f'{{"Protocol":"EWS","Url":"{url}"}}'.encode()))


def http_redirect(url):
    return unasked(lambda request: (302, {'Location': url}, b''))


def web_page():
    return unasked(lambda request: (200, {'Content-Type': 'text/html'}, b'<!DOCTYPE html><html><body>Welcome'))


def unasked(answer):
    """ANSWER needs no sign-in."""
    answer.open = True
    return answer


# ---- names without DNS ----


class Proxy:
    """PLACES: {(host, port): port on this machine}; other names can't be reached. Keeps every byte that it can read."""

    def __init__(self, places):
        self.places, self.log, self.seen = places, [], b''
        self.lock = threading.Lock()
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.url = f'http://127.0.0.1:{self.listener.getsockname()[1]}'
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client:
            head = b''
            while b'\r\n\r\n' not in head:
                piece = client.recv(65536)
                if not piece:
                    return
                head += piece
            method, target, _ = head.split(b'\r\n')[0].decode().split(' ')
            if method == 'CONNECT':
                host, _, port = target.rpartition(':')
            else:
                host, port = urllib.parse.urlsplit(target).hostname, urllib.parse.urlsplit(target).port or 80
            with self.lock:
                self.log.append((method, host, int(port)))
                self.seen += head
            place = self.places.get((host, int(port)))
            if place is None:
                client.sendall(b'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
                return
            with socket.create_connection(('127.0.0.1', place)) as server:
                if method == 'CONNECT':
                    client.sendall(b'HTTP/1.1 200 OK\r\n\r\n')
                else:
                    path = urllib.parse.urlsplit(target).path
                    server.sendall(head.replace(target.encode(), path.encode(), 1))
                back = threading.Thread(target=self.pump, args=(server, client), daemon=True)
                back.start()
                self.pump(client, server)
                back.join()

    def pump(self, source, sink):
        try:
            while piece := source.recv(65536):
                with self.lock:
                    self.seen += piece
                sink.sendall(piece)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        self.listener.close()
