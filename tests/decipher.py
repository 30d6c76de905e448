# SPDX-License-Identifier: Apache-2.0
"""What tests/reader.py needs for encrypted archives, made from docs/format.md and from nothing else: the keyring, the keys that come
from it, and frames deciphered. Python has HMAC and scrypt; AES is taken from OpenSSL's libcrypto where that is installed. Nothing
of exarch is used."""
import ctypes
import ctypes.util
import dataclasses
import datetime
import functools
import hashlib
import hmac
import re
import struct

KIB, MIB = 1 << 10, 1 << 20
KEYRING_MAX = 8 * KIB
NAMES = ('KEYRING', 'KEYRING.copy')
TAG = 16
WRAP_BEGIN = b'\xa6' * 8  # RFC 3394's initial value

HEAD = re.compile(r'exarch-keyring (\d+) uuid=([0-9a-f]{32}) generation=([1-9]\d*) next=([1-9]\d*) slots=([1-9]\d*)')
SLOT = re.compile(r'slot=([1-9]\d*) created=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) kind=(passphrase|key-file) '
                  r'kdf=(scrypt n=([1-9]\d*) r=([1-9]\d*) p=([1-9]\d*)|hkdf-sha256) salt=([0-9a-f]{32}) wrapped=([0-9a-f]{80})')
CHECKSUM = re.compile(r'crc32c=([0-9a-f]{8})\n')


class Wrong(Exception):
    """A keyring, a key or a ciphertext that isn't what it should be."""


@dataclasses.dataclass(frozen=True)
class Slot:
    number: int
    kind: str
    cost: tuple  # n, r, p; empty for a key file
    salt: bytes
    wrapped: bytes


@dataclasses.dataclass(frozen=True)
class Keyring:
    text: bytes
    generation: int
    slots: tuple


# ---- the keyring ----


def read_slot(line):
    match = SLOT.fullmatch(line)
    if not match:
        raise Wrong('a slot is not as it should be')
    number, created, kind, kdf, n, r, p, salt, wrapped = match.groups()
    datetime.datetime.strptime(created, '%Y-%m-%dT%H:%M:%SZ')
    if (kind == 'passphrase') != kdf.startswith('scrypt'):
        raise Wrong(f'slot {number}: {kind} with {kdf}')
    cost = tuple(int(value) for value in (n, r, p)) if n else ()
    if cost:
        n, r, p = cost
        if n & n - 1 or not 16384 <= n <= 4194304 or r > 32 or p > 16 or 128 * n * r > 1024 * MIB or n * r * p > 16777216:
            raise Wrong(f'slot {number}: scrypt with a cost beyond its limits')
    return Slot(int(number), kind, cost, bytes.fromhex(salt), bytes.fromhex(wrapped))


def read_keyring(text, uuid, crc32c):
    if len(text) > KEYRING_MAX or not text.isascii():
        raise Wrong('too long, or not ASCII')
    body, mark, last = text.decode().rpartition('crc32c=')
    match = CHECKSUM.fullmatch(mark + last)
    if not match or int(match.group(1), 16) != crc32c(body.encode()):
        raise Wrong('the checksum is wrong')
    head, *lines = body.removesuffix('\n').split('\n')
    match = HEAD.fullmatch(head)
    if not match or not body.endswith('\n'):
        raise Wrong('the first line is not as it should be')
    version, own_uuid, generation, following, count = match.groups()
    if version != '1':
        raise Wrong(f'version {version} is unknown here')
    if bytes.fromhex(own_uuid) != uuid:
        raise Wrong('is of another archive')
    slots = tuple(read_slot(line) for line in lines)
    numbers = [slot.number for slot in slots]
    if len(slots) != int(count) or not 1 <= len(slots) <= 16 or numbers != sorted(set(numbers)) or numbers[-1] >= int(following):
        raise Wrong('slots are missing, too many or out of order')
    return Keyring(text, int(generation), slots)


def read_keyrings(archive, uuid, crc32c):
    """(the keyring that counts, or None; what is wrong, as pairs of name and words)"""
    found, wrong = [], []
    for name in NAMES:
        try:
            found.append(read_keyring((archive / name).read_bytes(), uuid, crc32c))
        except (OSError, ValueError, Wrong) as e:
            wrong.append((name, str(e)))
    if len(found) == 2 and found[0].generation == found[1].generation and found[0].text != found[1].text:
        wrong.append((NAMES[1], 'is of the same generation as KEYRING, but differs'))
    return max(found, key=lambda keyring: keyring.generation, default=None), wrong


def read_secret(kind, path):
    line = path.read_bytes().removesuffix(b'\n').removesuffix(b'\r')
    if kind == 'passphrase':
        return line
    if not re.fullmatch(rb'[0-9a-fA-F]{64}', line):
        raise Wrong(f'{path} is no key file')
    return bytes.fromhex(line.decode())


def master_key(keyring, uuid, kind, secret):
    for slot in keyring.slots:
        if slot.kind != kind:
            continue
        own = secret
        if slot.cost:
            n, r, p = slot.cost
            own = hashlib.scrypt(secret, salt=slot.salt, n=n, r=r, p=p, maxmem=1100 * MIB, dklen=32)
        if master := unwrapped(hkdf(own, slot.salt, b'exarch keyring' + uuid, 32), slot.wrapped):
            return master
    raise Wrong("this key doesn't open the archive")


# ---- HKDF (RFC 5869), key wrap (RFC 3394), AES ----


def hkdf(key, salt, info, size):
    extracted, block, expanded = hmac.digest(salt, key, 'sha256'), b'', b''
    for counter in range(1, -(-size // 32) + 1):
        block = hmac.digest(extracted, block + info + bytes([counter]), 'sha256')
        expanded += block
    return expanded[:size]


def unwrapped(key, wrapped):
    """None: the check isn't right, so it was wrapped with another key."""
    check, *parts = [wrapped[at:at + 8] for at in range(0, len(wrapped), 8)]
    count = len(parts)
    for step in range(6 * count, 0, -1):
        at = (step - 1) % count
        mixed = (int.from_bytes(check, 'big') ^ step).to_bytes(8, 'big')
        block = decipher('EVP_aes_256_ecb', key, mixed + parts[at])
        check, parts[at] = block[:8], block[8:]
    return b''.join(parts) if check == WRAP_BEGIN else None


@functools.cache
def libcrypto():
    name = ctypes.util.find_library('crypto')
    if not name:
        raise Wrong('AES needs libcrypto, which is not installed')
    library = ctypes.CDLL(name)
    for function in ('EVP_CIPHER_CTX_new', 'EVP_aes_256_ecb', 'EVP_aes_256_gcm'):
        getattr(library, function).restype = ctypes.c_void_p
    return library


def decipher(cipher, key, data, nonce=None, more=b'', tag=None):
    """With a tag: Wrong if DATA or MORE isn't what it was made over."""
    crypto = libcrypto()
    context = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    out, size = ctypes.create_string_buffer(len(data) + 32), ctypes.c_int()
    try:
        good = crypto.EVP_DecryptInit_ex(context, ctypes.c_void_p(getattr(crypto, cipher)()), None, key, nonce) == 1
        if tag:
            good = good and crypto.EVP_CIPHER_CTX_ctrl(context, 0x11, len(tag), tag) == 1  # EVP_CTRL_AEAD_SET_TAG
            good = good and crypto.EVP_DecryptUpdate(context, None, ctypes.byref(size), more, len(more)) == 1
        else:
            good = good and crypto.EVP_CIPHER_CTX_set_padding(context, 0) == 1
        good = good and crypto.EVP_DecryptUpdate(context, out, ctypes.byref(size), data, len(data)) == 1
        if not good or crypto.EVP_DecryptFinal_ex(context, ctypes.byref(out, size.value), ctypes.byref(ctypes.c_int())) != 1:
            raise Wrong('does not come off with its tag right')
        return out.raw[:size.value]
    finally:
        crypto.EVP_CIPHER_CTX_free(context)


# ---- what comes from the master key ----


class Keys:
    """The keys of one archive."""

    def __init__(self, master, uuid):
        self.master, self.uuid = master, uuid
        self.id_key = self.derived(b'exarch id')

    def derived(self, info):
        return hkdf(self.master, self.uuid, info, 32)

    @functools.lru_cache(maxsize=64)
    def segment_key(self, number, salt):
        return self.derived(b'exarch segment' + struct.pack('<I', number) + salt)

    def identify(self, *pieces):
        return hmac.digest(self.id_key, b''.join(pieces), 'sha256')

    def open(self, frame, stored, salt):
        """FRAME as reader.py has them; STORED is what stands in the file."""
        nonce = frame.id[:4] + struct.pack('<Q', frame.sequence)
        more = frame.header[:56] + struct.pack('<IQ', frame.place.segment, frame.place.offset)
        key = self.segment_key(frame.place.segment, salt)
        return decipher('EVP_aes_256_gcm', key, stored[:-TAG], nonce, more, stored[-TAG:])


def open_keys(archive, uuid, kind, path, crc32c):
    keyring, wrong = read_keyrings(archive, uuid, crc32c)
    if not keyring:
        raise Wrong('; '.join(f'{name}: {what}' for name, what in wrong))
    return Keys(master_key(keyring, uuid, kind, read_secret(kind, path)), uuid)
