#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A reader of exarch archives that shares nothing with exarch: it was made from docs/format.md and from nothing else, to prove
that what is archived doesn't depend on the program that archived it. It reads segments only, never the index, needs nothing
but Python, and writes nothing into the archive.

    tests/reader.py list ARCHIVE          one line an item: mailbox, folder, number, state, received, MIME length, SHA-256 (of an
                                          expired one only the first 8 bytes are known)
                                          of an item without MIME those of its native stream
    tests/reader.py extract ARCHIVE DIR   each live item into DIR/NUMBER.eml, its native stream into DIR/NUMBER.fts, length and
                                          SHA-256 compared
    tests/reader.py check ARCHIVE         everything that can be checked; damage is named with segment and offset

Exit code: 0 clean (a torn tail is clean: it never counted), 1 damage, 2 can't or mustn't be read: no archive, of a later
version, or with features unknown here.

An encrypted archive is opened with --key-file FILE or --passphrase-file FILE; see decipher.py. Python has no module for zstd. What
needs that, or a key that wasn't given, is checked from the outside by `check`: headers, sequences, checksums, chains, SEALs and
keyrings; it says how many frames it did not look into. `list` and `extract` refuse such archives.

Names and order follow the document: FORMAT, segments, frames, packs, COMMIT, SEAL, recipes, records.
"""
import argparse
import base64
import collections
import dataclasses
import datetime
import functools
import hashlib
import mmap
import os
import pathlib
import re
import signal
import struct
import sys
import zlib

import decipher

KIB, MIB = 1 << 10, 1 << 20
OBJECT_MAX, PAYLOAD_MAX, PACK_ENTRIES_MAX = 8 * MIB, 16 * MIB, 16384
BLOB, RBLOB, PACK_D, PACK_M, COMMIT, SEAL = range(1, 7)
TOMB = 10
KINDS = (*range(BLOB, SEAL + 1), TOMB)
RAW, ZLIB, ZSTD = range(3)
ENCRYPTED, DIRECTORY, CRITICAL = 1, 2, 8
FEATURE_ENCRYPTED = 1
TAG = 16  # bytes at the end of an encrypted payload
SEGMENT_HEADER = FRAME_HEADER = 64
CHAINED = 60  # bytes of a frame header that chain and SEAL cover: all but its own checksum
FRAME_MAGIC = b'\x58\x46\x52\xa9'
DATA, RECIPE, RECORD = b'D', b'R', b'B'
TIME_UNKNOWN = -1 << 63


class Refused(Exception):
    """Nothing can be said about this archive: it isn't one, or it needs a reader that knows more."""


class Bad(Exception):
    """Bytes that are not what they should be; whoever catches it knows where they stand."""


# ---- numbers and checksums ----


def crc_of_byte(value):
    for _ in range(8):
        value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
    return value


CRC_8 = [crc_of_byte(byte) for byte in range(1 << 8)]


def crc_go_on(crc, data):
    for byte in data:
        crc = CRC_8[(crc ^ byte) & 0xff] ^ crc >> 8
    return crc


def times(a, b):
    """The product of two polynomials as CRC32C has them (bit 0 is the highest power), without carries. A may be long."""
    product = 0
    while b:
        low = b & -b
        product ^= a * low
        b ^= low
    return product


@functools.lru_cache(maxsize=None)
def power_of_x(count):
    """x to 8 * COUNT, modulo the polynomial of CRC32C."""
    if count == 0:
        return 1 << 31
    if count % 2:
        return crc_go_on(power_of_x(count - 1), b'\0')
    half = power_of_x(count // 2)
    square = times(half, half) << 1  # 64 bits, the first 32 of which are too high
    return crc_go_on(0, (square & 0xffffffff).to_bytes(4, 'little')) ^ square >> 32


def crc32c(data):
    """A checksum is linear: a front part may be multiplied by x to the length of what follows, modulo the polynomial, and be
    laid over the end of that. So halves are folded together as whole numbers, which Python is quick at, until a byte a time
    will do."""
    size = len(data)
    if size <= 256:
        return crc_go_on(0xffffffff, data) ^ 0xffffffff
    rest = int.from_bytes(data, 'little') ^ 0xffffffff
    while size > 256:
        front = (size - 8) // 2
        back = size - front
        folded = times(rest & (1 << 8 * front) - 1, power_of_x(back))
        rest = rest >> 8 * front ^ folded << 8 * (back - front) - 31
        size = back
    return crc_go_on(0, rest.to_bytes(size, 'little')) ^ 0xffffffff


def sha256(*pieces):
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()


def padded(length):
    return length + 7 & ~7


class Fields:
    """Takes one field after the other from bytes; Bad when they end too early."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def bytes(self, length):
        if length > len(self.data) - self.at:
            raise Bad('ends within a field')
        self.at += length
        return self.data[self.at - length:self.at]

    def u8(self):
        return self.bytes(1)[0]

    def unpack(self, layout):
        return struct.unpack(layout, self.bytes(struct.calcsize(layout)))

    def varint(self):
        value = 0
        for shift in range(0, 70, 7):
            byte = self.u8()
            value |= (byte & 0x7f) << shift
            if byte < 0x80:
                if value >> 64:
                    break
                return value
        raise Bad('a varint has more than 64 bits')

    def signed(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def blob(self):
        return self.bytes(self.varint())

    def text(self):
        """Bytes: what is compared and hashed must not depend on an encoding."""
        value = self.blob()
        if not value or value.find(b'\0') != len(value) - 1:
            raise Bad('a text does not end at its only 0')
        return value[:-1]


# ---- FORMAT ----


def read_format(archive):
    """The archive's uuid, and whether it is encrypted."""
    try:
        line = (archive / 'FORMAT').read_bytes()
    except OSError as e:
        raise Refused(f'no archive: {e}') from e
    match = re.fullmatch(rb'(exarch-store (\d+)\.\d+ uuid=([0-9a-f]{32}) hash=(\S+) codec=\S+ segment_bytes=\d+'
                         rb' incompatible=([0-9a-f]{8}) read_compatible=[0-9a-f]{8} compatible=[0-9a-f]{8}(?: \S+)*)'
                         rb' crc32c=([0-9a-f]{8})\n', line)
    if not match or len(line) > 512:
        raise Refused('FORMAT is not as it should be')
    text, major, uuid, digest, incompatible, crc = match.groups()
    if int(crc, 16) != crc32c(text):
        raise Refused('FORMAT: the checksum is wrong')
    if int(major) != 1 or digest != b'sha256' or int(incompatible, 16) & ~FEATURE_ENCRYPTED:
        raise Refused(f'FORMAT: of a later version: {line.decode()}')
    return bytes.fromhex(uuid.decode()), bool(int(incompatible, 16) & FEATURE_ENCRYPTED)


# ---- segments and frames ----


@dataclasses.dataclass(frozen=True, order=True)
class Place:
    segment: int
    offset: int

    def __str__(self):
        return f'segment {self.segment} offset {self.offset}'


@dataclasses.dataclass
class Frame:
    place: Place
    kind: int
    codec: int
    flags: int
    stored: int
    raw: int
    sequence: int
    id: bytes
    payload_crc: int
    header: bytes
    wrong: str = None  # what is wrong with the payload; then nothing of it is below
    unread: str = None  # why nobody could look into it; neither then
    entries: list = ()
    records: list = ()  # (slot, bytes)
    commit: tuple = None
    tomb: 'Tomb' = None  # of a TOMB, and of the COMMIT that ends a cut segment


@dataclasses.dataclass
class Gap:
    """A place with no good frame header, or a segment's own header: that one costs no frame."""
    place: Place
    wrong: str
    loses_frames: bool = True


@dataclasses.dataclass
class Tomb:
    """What a cut segment was."""
    first: int
    last: int
    first_commit: int
    last_commit: int
    chain: bytes
    heads: bytes
    previous: bytes
    seal: bytes  # the first 60 bytes of its header; empty if there was none
    frames: int

    @property
    def commit_sequence(self):
        return self.last - 1 if self.seal else self.last


def read_tomb(payload):
    *fields, seal, frames = Fields(payload).unpack('<QQQQ32s32s32s60sI16x8x')
    tomb = Tomb(*fields, seal if any(seal) else b'', frames)
    if not 0 < tomb.first <= tomb.commit_sequence or not 0 < tomb.first_commit <= tomb.last_commit:
        raise Bad('TOMB: of a segment that cannot have been')
    if tomb.seal and struct.unpack_from('<Q', tomb.seal, 16) != (tomb.last,):
        raise Bad('TOMB: the sequence of its SEAL is another')
    return tomb


Entry = collections.namedtuple('Entry', 'kind id start length')


def open_segments(archive):
    """{number: bytes} of all segment files."""
    found = {}
    for path in archive.glob('seg/??/????????.xseg'):
        number = int(path.stem, 16)
        if path.parent.name != f'{number >> 8 & 0xff:02x}':
            raise Refused(f'{path} is in the wrong folder')
        with open(path, 'rb') as file:
            empty = os.fstat(file.fileno()).st_size == 0
            found[number] = b'' if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return found


def check_segment_header(data, number, uuid):
    header = bytes(data[:SEGMENT_HEADER])
    if len(header) < SEGMENT_HEADER or header[:8] != b'XARSEG01':
        raise Bad('no segment header')
    major, _, flags, own_number, own_uuid, _, _, crc = struct.unpack_from('<BBHQ16s16sqI', header, 8)
    if crc != crc32c(header[:60]):
        raise Bad('segment header: the checksum is wrong')
    if major != 1 or flags & ~1:
        raise Refused(f'segment {number}: of a later version')
    if own_number != number or own_uuid != uuid:
        raise Bad('segment header: of another segment or archive')


def read_header(data, place):
    header = bytes(data[place.offset:place.offset + FRAME_HEADER])
    if len(header) < FRAME_HEADER or header[:4] != FRAME_MAGIC:
        raise Bad('no frame')
    version, kind, codec, flags, stored, raw, sequence, own_id, payload_crc, crc = struct.unpack('<4xBBBBIIQ32sII', header)
    if crc != crc32c(header[:60] + struct.pack('<IQ', place.segment, place.offset)):
        raise Bad('frame header: the checksum is wrong')
    if (version != 1 or flags & ~(ENCRYPTED | DIRECTORY | CRITICAL) or flags & CRITICAL and kind not in KINDS
            or flags & ENCRYPTED and not BLOB <= kind <= PACK_M):
        raise Refused(f'{place}: a frame that is unknown here (version {version}, kind {kind}, flags {flags})')
    tag = TAG if flags & ENCRYPTED else 0
    if stored > PAYLOAD_MAX or raw > PAYLOAD_MAX or stored < tag or codec == RAW and stored - tag != raw:
        raise Bad('frame header: lengths that cannot be')
    return Frame(place, kind, codec, flags, stored, raw, sequence, own_id, payload_crc, header)


def stored_bytes(data, frame):
    begin = frame.place.offset + FRAME_HEADER
    return bytes(data[begin:begin + frame.stored])


def read_salt(data, number):
    """What a segment's key was made with: in its header; if that is damaged in its TOMB or any COMMIT."""
    header = bytes(data[:SEGMENT_HEADER])
    if header[:8] == b'XARSEG01' and struct.unpack_from('<I', header, 60) == (crc32c(header[:60]),):
        return header[36:52]
    offset = SEGMENT_HEADER - 1
    while (offset := data.find(FRAME_MAGIC, offset + 1)) >= 0:
        try:
            frame = read_header(data, Place(number, offset))
        except Bad:
            continue
        stored = stored_bytes(data, frame)
        if frame.kind in (COMMIT, TOMB) and crc32c(stored) == frame.payload_crc:
            return Fields(stored, 192 if frame.kind == TOMB else 96).bytes(16)
    raise Bad('segment header: is damaged, and no COMMIT says its salt')


def read_payload(data, frame, encrypted, keys=None):
    """The payload, unpacked, with its checksum and id compared. None, and frame.unread, when that takes more than there is.
    The ids of an encrypted archive are keyed: only who has the key can compare them."""
    stored = stored_bytes(data, frame)
    if crc32c(stored) != frame.payload_crc:
        raise Bad('payload: the checksum is wrong')
    end = frame.place.offset + FRAME_HEADER + frame.stored
    if any(data[end:frame.place.offset + FRAME_HEADER + padded(frame.stored)]):
        raise Bad('padding is not zero')
    if frame.flags & ENCRYPTED and not encrypted:
        raise Refused(f'{frame.place}: an encrypted frame in an archive that is not')
    if encrypted and BLOB <= frame.kind <= PACK_M and not frame.flags & ENCRYPTED:
        raise Bad('payload: not encrypted, though the archive is')
    if frame.kind not in KINDS:
        return b''
    if frame.flags & ENCRYPTED and not keys or frame.codec == ZSTD:
        frame.unread = 'compressed with zstd' if frame.codec == ZSTD else 'encrypted'
        return None
    payload = unpack(deciphered(data, frame, keys), frame)
    if (keys or not encrypted) and identify(keys)({BLOB: DATA, RBLOB: RECIPE}.get(frame.kind, b'F'), payload) != frame.id:
        raise Bad('payload: is not what its id says')
    return payload


def identify(keys):
    return keys.identify if keys else sha256


def deciphered(data, frame, keys):
    stored = stored_bytes(data, frame)
    if not frame.flags & ENCRYPTED:
        return stored
    try:
        return keys.open(frame, stored, read_salt(data, frame.place.segment))
    except decipher.Wrong as e:
        raise Bad(f'payload: {e}') from e


def unpack(stored, frame):
    if frame.codec == RAW:
        return stored
    if frame.codec != ZLIB:
        raise Refused(f'{frame.place}: unknown codec {frame.codec}')
    unpacker = zlib.decompressobj()
    try:
        payload = unpacker.decompress(stored, frame.raw + 1)
    except zlib.error as e:
        raise Bad(f'payload: {e}') from e
    if len(payload) != frame.raw or not unpacker.eof or unpacker.unused_data:
        raise Bad('payload: unpacks to another length')
    return payload


def read_entries(frame, payload, keys=None):
    """What a frame holds, by slot; nothing if it could not be looked into."""
    if frame.unread:
        return []
    if frame.kind in (BLOB, RBLOB):
        if frame.raw > OBJECT_MAX:
            raise Bad('an object of more than 8 MiB')
        return [Entry(DATA if frame.kind == BLOB else RECIPE, frame.id, 0, frame.raw)]
    if frame.kind not in (PACK_D, PACK_M):
        return []
    fields = Fields(payload)
    (count,) = fields.unpack('<I')
    if count > PACK_ENTRIES_MAX:
        raise Bad('pack: too many entries')
    directory = []
    for _ in range(count):
        kind, length = fields.bytes(1), fields.varint()
        if kind not in (DATA, RECIPE, RECORD):
            raise Refused(f'{frame.place}: a pack entry of unknown kind {kind.hex()}')
        if (kind == DATA) != (frame.kind == PACK_D):
            raise Bad(f'pack: an entry of kind {kind.decode()} does not belong there')
        directory.append((kind, fields.bytes(32) if kind != RECORD else None, length))
    entries, start = [], fields.at
    for kind, own_id, length in directory:
        entries.append(Entry(kind, own_id, start, length))
        start += length
    if start != len(payload):
        raise Bad('pack: the lengths do not add up')
    for kind, own_id, start, length in entries:
        if own_id and (length > OBJECT_MAX or identify(keys)(kind, payload[start:start + length]) != own_id):
            raise Bad(f'pack: object {own_id.hex()} is not what its id says')
    return entries


# ---- the log: what counts, what is torn, what is damaged ----


class Walk:
    """All segments from the first frame to the last, as Frames and Gaps. Of payloads only records and COMMITs are kept."""

    def __init__(self, segments, uuid, encrypted, keys):
        self.segments, self.uuid, self.encrypted, self.keys = segments, uuid, encrypted, keys
        self.sequence = 0
        self.seals = {}  # segment: id

    def events(self):
        for number in range(1, max(self.segments, default=0) + 1):
            if number not in self.segments:
                yield Gap(Place(number, 0), 'the segment is missing')
                continue
            try:
                check_segment_header(self.segments[number], number, self.uuid)
            except Bad as e:
                yield Gap(Place(number, 0), str(e), loses_frames=len(self.segments[number]) < SEGMENT_HEADER)
            yield from self.segment(number)

    def segment(self, number):
        data, offset, before = self.segments[number], SEGMENT_HEADER, []
        self.tomb = None
        while offset < len(data):
            try:
                frame = self.header(data, Place(number, offset))
            except Bad as e:
                yield Gap(Place(number, offset), str(e))
                before.append(None)  # a SEAL can't be compared any more
                offset = self.search(data, number, offset + 8)
                continue
            try:
                self.payload(data, frame, before)
            except Bad as e:
                frame.wrong = str(e)
            if gap := self.missing(frame):
                yield gap
            before.append(frame)
            yield frame
            offset += FRAME_HEADER + padded(frame.stored)
        if self.tomb and self.tomb.seal and self.sequence == self.tomb.commit_sequence:
            yield self.gone_seal(Place(number, offset))

    def missing(self, frame):
        """Goes on to the frame's sequence; a Gap if some were left out."""
        own, expected = frame.sequence, self.sequence + 1
        if frame.kind == TOMB:
            if not frame.tomb:
                return None
            own = frame.tomb.first
            self.sequence = own - 1
        else:
            self.sequence = own
            if self.tomb and frame.kind == COMMIT and own == self.tomb.commit_sequence:
                return None
        return Gap(frame.place, f'frames {expected} to {own - 1} are missing') if own != expected else None

    def gone_seal(self, place):
        """The SEAL that a cut segment had: only its header is left, in the TOMB."""
        header = self.tomb.seal
        kind, codec, flags, stored, raw, sequence, own_id, crc = struct.unpack('<5xBBBIIQ32sI', header)
        self.seals[place.segment] = own_id
        self.sequence = sequence
        return Frame(place, kind, codec, flags, stored, raw, sequence, own_id, crc, header)

    def header(self, data, place):
        frame = read_header(data, place)
        if frame.kind == TOMB:
            if place.offset != SEGMENT_HEADER:
                raise Bad('TOMB: not at the beginning')
        elif frame.sequence <= self.sequence:
            raise Bad(f'frame header: sequence {frame.sequence} after {self.sequence}')
        if place.offset + FRAME_HEADER + padded(frame.stored) > len(data):
            raise Bad('frame: cut off by the end of the file')
        return frame

    def search(self, data, number, offset):
        """The next offset with a good header and a higher sequence; the end of the file if there is none."""
        while (offset := data.find(FRAME_MAGIC, offset)) >= 0:
            try:
                if offset % 8 == 0:
                    self.header(data, Place(number, offset))
                    return offset
            except Bad:
                pass
            offset += 1
        return len(data)

    def payload(self, data, frame, before):
        payload = read_payload(data, frame, self.encrypted, self.keys)
        entries = read_entries(frame, payload, self.keys)
        if before and before[-1] and before[-1].kind == SEAL:
            raise Bad('frame: stands behind the SEAL')
        if frame.kind == SEAL:
            self.seals[frame.place.segment] = frame.id
            if None not in before:
                self.seal(data, frame, payload, before)
        if frame.kind == TOMB:
            tomb = read_tomb(payload)
            if tomb.first <= self.sequence:
                raise Bad(f'TOMB: begins with sequence {tomb.first}, after {self.sequence}')
            if tomb.previous != self.seals.get(frame.place.segment - 1, bytes(32)):
                raise Bad('TOMB: does not name the SEAL before it')
            self.tomb = frame.tomb = tomb
        if frame.kind == COMMIT and self.tomb and frame.sequence == self.tomb.commit_sequence:
            frame.tomb = self.tomb
            if None not in before:
                self.kept(before[1:] + [frame])
        if frame.kind == COMMIT:
            frame.commit = Fields(payload).unpack('<QQQI4x32sqQQQ16x')
        frame.entries = entries
        frame.records = [(slot, payload[e.start:e.start + e.length]) for slot, e in enumerate(entries) if e.kind == RECORD]

    def seal(self, data, seal, payload, frames):
        fields = Fields(payload)
        count, heads, previous = fields.unpack('<I4x32s32s')
        if count != len(frames):
            raise Bad(f'SEAL: says {count} frames, there are {len(frames)}')
        if heads != sha256(data[:SEGMENT_HEADER], *(f.header[:CHAINED] for f in frames)):
            raise Bad('SEAL: the hash over the headers is wrong')
        for f in frames:
            if fields.unpack('<QIIBB2x32s') != (f.place.offset, f.stored, f.raw, f.kind, f.codec, f.id):
                raise Bad(f'SEAL: says something else about the frame at offset {f.place.offset}')
        if previous != self.seals.get(seal.place.segment - 1, bytes(32)):
            raise Bad('SEAL: does not name the SEAL before it')

    def kept(self, frames):
        if len(frames) != self.tomb.frames or sha256(*(f.header[:CHAINED] for f in frames)) != self.tomb.heads:
            raise Bad('TOMB: does not name the frames behind it')


class Epoch:
    """The frames since a COMMIT, and what the chain at the next COMMIT is made from."""

    def __init__(self, number=0, chain=bytes(32), headers=()):
        self.number, self.chain_before, self.headers = number, chain, list(headers)
        self.frames = []
        self.whole = True  # no header is missing

    def chain(self):
        return sha256(self.chain_before, *(header[:CHAINED] for header in self.headers))

    def what_is_wrong(self, frame):
        """What COMMIT says, compared with what was found; None if it fits."""
        number, first, last, count, chain, _, objects, size, records = frame.commit
        if frame.tomb:
            return None if number == frame.tomb.last_commit else 'COMMIT: is not the one that its TOMB names'
        if not self.whole:
            return None  # that is known, and nothing can be compared
        if chain != self.chain():
            return 'COMMIT: the chain does not fit'
        sequences = [f.sequence for f in self.frames]
        if number != self.number + 1 or list(range(first, last + 1)) != sequences or count != len(sequences):
            return 'COMMIT: does not name the frames before it'
        if any(f.place.segment != frame.place.segment and f.kind != SEAL for f in self.frames):
            return 'COMMIT: the epoch crosses segments'
        if any(f.wrong or f.unread for f in self.frames):
            return None
        sizes = [e.length for f in self.frames for e in f.entries if e.id]
        if (objects, size, records) != (len(sizes), sum(sizes), sum(len(f.records) for f in self.frames)):
            return 'COMMIT: counts objects or records wrongly'
        return None

    def what_is_wrong_with_tomb(self, tomb):
        if self.whole and (tomb.first_commit != self.number + 1 or tomb.chain != self.chain_before):
            return 'TOMB: does not go on from the COMMIT before it'
        return None

    def closed_by(self, frame):
        """The epoch that begins behind this COMMIT."""
        if frame.tomb and frame.commit:
            return Epoch(frame.commit[0], frame.commit[4], [frame.header])
        if self.whole or frame.commit is None:
            after = Epoch(self.number + 1, self.chain(), [frame.header])
            after.whole = self.whole
            return after
        return Epoch(frame.commit[0], frame.commit[4], [frame.header])


class Log:
    """What the segments say: objects and records that count, damage, and the torn tail."""

    def __init__(self, archive, secret=None):
        """SECRET: what opens an encrypted archive, ('key-file' or 'passphrase', path of the file it stands in)."""
        uuid, self.encrypted = read_format(archive)
        self.wrong_keyrings = decipher.read_keyrings(archive, uuid, crc32c)[1] if self.encrypted else []
        self.keys = None
        if secret:
            self.open_keys(archive, uuid, secret)
        self.segments = open_segments(archive)
        self.objects = {}  # id: (Frame, Entry)
        self.records = []  # (Place of the frame, slot, bytes)
        self.damage = []  # (Place, text)
        self.torn = None  # (Place, text)
        self.unread = collections.Counter()  # of frames that count, by the reason
        self.frames = self.commits = 0
        self.assemble(list(Walk(self.segments, uuid, self.encrypted, self.keys).events()))

    def open_keys(self, archive, uuid, secret):
        if not self.encrypted:
            raise Refused('the archive is not encrypted')
        try:
            self.keys = decipher.open_keys(archive, uuid, *secret, crc32c)
        except (OSError, decipher.Wrong) as e:
            raise Refused(str(e)) from e

    def assemble(self, events):
        settled = last_settled(events)
        epoch = Epoch()
        begin = None  # of what no COMMIT stands behind; SEALs end a segment in good order and don't need one
        for index, event in enumerate(events):
            if isinstance(event, Frame) and event.commit and not event.wrong:
                event.wrong = epoch.what_is_wrong(event)
            if isinstance(event, Frame) and event.kind == TOMB and event.tomb and not event.wrong:
                event.wrong = epoch.what_is_wrong_with_tomb(event.tomb)
            if not (isinstance(event, Frame) and event.kind == SEAL and not event.wrong):
                begin = begin or event.place
            if event.wrong and index > settled:
                self.torn = begin, f'{event.place}: {event.wrong}'
                return
            if event.wrong:
                self.damage.append((event.place, event.wrong))
            if isinstance(event, Gap):
                epoch.whole = epoch.whole and not event.loses_frames
            elif event.kind == TOMB:
                self.frames += 1  # in no epoch and no chain
            elif event.kind == COMMIT:
                self.take(epoch.frames + [event])
                epoch, begin = epoch.closed_by(event), None
                self.commits += 1
            else:
                epoch.frames.append(event)
                epoch.headers.append(event.header)
        if begin:
            self.torn = begin, 'no COMMIT behind it'

    def take(self, frames):
        self.frames += len(frames)
        self.unread.update(frame.unread for frame in frames if frame.unread)
        for frame in frames:
            for entry in frame.entries:
                if entry.id:
                    self.objects[entry.id] = frame, entry  # of two copies the later one
            self.records += [(frame.place, slot, record) for slot, record in frame.records]

    def object(self, own_id, kind):
        frame, entry = self.objects.get(own_id, (None, None))
        if not entry or entry.kind != kind:
            raise Bad(f'object {own_id.hex()} is not there')
        return self.payload(frame.place)[entry.start:entry.start + entry.length]

    @functools.lru_cache(maxsize=16)
    def payload(self, place):
        """Of a frame that counts: what it holds was compared before."""
        data = self.segments[place.segment]
        frame = read_header(data, place)
        return unpack(deciphered(data, frame, self.keys), frame)


def last_settled(events):
    """The index of the last event that had been durable: a COMMIT with a good header that a good frame follows, or what stands
    before the epoch of a good COMMIT. -1: none."""
    frame_behind = False
    for index in range(len(events) - 1, -1, -1):
        event = events[index]
        if not isinstance(event, Frame):
            continue
        if event.kind == COMMIT and frame_behind:
            return index
        if event.kind == COMMIT and event.commit:
            return before_epoch(events, index)
        frame_behind = True
    return -1


def before_epoch(events, index):
    """The index of the last event that stands before the first frame of the COMMIT at INDEX."""
    first = event_sequence = events[index].commit[1]
    for before in range(index - 1, -1, -1):
        event = events[before]
        if isinstance(event, Frame):
            event_sequence = event.sequence
        if event_sequence < first or (isinstance(event, Gap) and event_sequence == first):
            return before
    return -1


# ---- recipes ----


def read_recipe(recipe):
    """(length, SHA-256, operations as (code, bytes or object id, n, line, column, line break))"""
    fields = Fields(recipe)
    if fields.unpack('<BB') != (1, 0):
        raise Refused('a recipe of a later version')
    length, digest, operations = fields.varint(), fields.bytes(32), []
    for _ in range(fields.varint()):
        code = fields.u8()
        if code == 1:
            operations.append((code, fields.blob(), None, None, None, None))
        elif code == 2:
            operations.append((code, fields.bytes(32), fields.varint(), None, None, None))
        elif code == 3:
            operations.append((code, fields.bytes(32), fields.varint(), fields.varint(), fields.varint(), fields.u8()))
        else:
            raise Refused(f'a recipe with unknown operation {code}')
    if fields.at != len(recipe):
        raise Refused('a recipe with bytes behind its last operation')
    return length, digest, operations


def base64_text(data, line, column, eol):
    if eol > 1:
        raise Refused(f'a recipe with unknown line break {eol}')
    if column > line or line >> 32:
        raise Bad(f'recipe: column {column} of a line of {line}')
    text = base64.b64encode(data)
    if line == 0:
        return text
    first = max(line - column, 0)  # characters that still fit on the line that the operation before left
    rest = [text[at:at + line] for at in range(first, len(text), line)]
    return (b'\r\n', b'\n')[eol].join([text[:first], *rest])


def message(log, recipe_id):
    """Puts a message together and compares its length and SHA-256 with those of the recipe."""
    length, digest, operations = read_recipe(log.object(recipe_id, RECIPE))
    pieces = []
    for code, what, n, line, column, eol in operations:
        if code != 1:
            data = log.object(what, DATA)
            if len(data) != n:
                raise Bad(f'recipe: object {what.hex()} has {len(data)} bytes, not {n}')
        pieces.append(what if code == 1 else data if code == 2 else base64_text(data, line, column, eol))
    whole = b''.join(pieces)
    if len(whole) != length or sha256(whole) != digest:
        raise Bad('recipe: does not give its message')
    return whole


# ---- records ----


@dataclasses.dataclass
class Item:
    number: int
    key: tuple  # mailbox, folder, first half of SHA-256 of the server id
    keep_older: int
    hash: bytes  # first 8 bytes of the content hash
    place: Place
    received: int = TIME_UNKNOWN
    mime: tuple = None  # recipe, length, SHA-256; None: it has none, or that is not known (yet), or it has expired
    native: tuple = None  # the same
    full: bool = False  # whether these are known
    state: str = 'live'


def read_item(fields, place):
    """A full item record."""
    number, mailbox, folder, keep_older, recipe, length, digest = (
        fields.varint(), fields.varint(), fields.varint(), fields.u8(), fields.bytes(32), fields.varint(), fields.bytes(32))
    fields.signed()  # size
    received, *_ = [fields.signed() for _ in range(4)]
    fields.signed(), fields.bytes(3)  # message flags; is read, has attachments, flag status
    server_id, *_ = [fields.text() for _ in range(5)]
    fields.blob()  # search key
    mime, native = (recipe, length, digest) if any(recipe) else None, None
    if fields.at < len(fields.data) and (length := fields.varint()):
        digest, recipe = fields.bytes(32), fields.bytes(32)
        native = recipe, length, digest
    return Item(number, (mailbox, folder, sha256(server_id)[:16]), keep_older, (mime or native or (0, 0, digest))[2][:8], place,
                received, mime, native, full=True)


class Catalog:
    """What the records say, replayed in order."""

    def __init__(self, log):
        self.mailboxes = {}  # number: address
        self.folders = {}  # (mailbox, number): path
        self.items = {}  # number: Item
        self.newest = {}  # (mailbox, folder, first half of SHA-256 of the server id): Item
        self.expired = {}  # number: (when, rule)
        self.holds = {}  # number: (name, whether it is in force)
        self.runs = self.audits = 0
        self.run_hash = self.audit_hash = sha256()
        self.damage = []
        kinds = {b'M': self.mailbox, b'F': self.folder, b'I': self.item, b'R': self.removed, b'N': self.run,
                 b'X': self.short_item, b'C': self.carried, b'E': self.expire, b'H': self.hold, b'A': self.audit}
        for place, slot, record in log.records:
            try:
                fields = Fields(record)
                kind, version = fields.bytes(1), fields.u8()
                if kind not in kinds or version != 1:
                    raise Refused(f'{place}: a record that is unknown here (type {kind.hex()}, version {version})')
                kinds[kind](fields, place)
            except Bad as e:
                self.damage.append((place, f'record in slot {slot}: {e}'))

    def mailbox(self, fields, place):
        number, _, address, _ = fields.varint(), fields.u8(), fields.text(), fields.text()
        self.mailboxes[number] = address.decode(errors='replace')

    def folder(self, fields, place):
        key = fields.varint(), fields.varint()
        _, _, _, _, _, path, _ = fields.u8(), fields.u8(), *(fields.text() for _ in range(5))
        self.folders[key] = path.decode(errors='replace')
        if key[0] not in self.mailboxes:
            raise Bad(f'mailbox {key[0]} is not known')

    def item(self, fields, place):
        self.take_item(read_item(fields, place))

    def short_item(self, fields, place):
        number, key, keep_older = fields.varint(), fields.unpack('>II16s'), fields.u8()
        fields.bytes(8)  # the change key's hash
        self.take_item(Item(number, key, keep_older, fields.bytes(8), place))

    def take_item(self, item):
        earlier = self.newest.get(item.key)
        if earlier and earlier.state == 'expired':
            pass
        elif earlier and earlier.hash == item.hash:
            item.number = earlier.number
        elif earlier and not item.keep_older:
            earlier.state = 'superseded'
        self.items[item.number] = self.newest[item.key] = item
        if item.key[:2] not in self.folders:
            raise Bad(f'item {item.number}: folder {item.key[1]} of mailbox {item.key[0]} is not known')

    def carried(self, fields, place):
        number, record = fields.varint(), Fields(fields.blob())
        if (record.bytes(1), record.u8()) != (b'I', 1):
            raise Bad('a carried record without an item record')
        carried, item = read_item(record, place), self.items.get(number)
        if not item:
            carried.number = number
            self.take_item(carried)
        elif item.state != 'expired':
            item.received, item.mime, item.native, item.full, item.place = (
                carried.received, carried.mime, carried.native, True, place)

    def removed(self, fields, place):
        item = self.newest.get(fields.unpack('>II16s'))
        if item and item.state != 'expired':
            item.state = 'removed'

    def expire(self, fields, place):
        number, _, when, rule = fields.varint(), fields.bytes(24), fields.signed(), fields.text()
        fields.signed(), fields.varint()  # received, MIME length
        if item := self.items.get(number):
            item.state, item.full, item.mime, item.native, item.received = 'expired', False, None, None, TIME_UNKNOWN
            self.expired.setdefault(number, (when, rule.decode(errors='replace')))

    def hold(self, fields, place):
        number, name = fields.varint(), fields.text()
        fields.text(), fields.text(), fields.signed(), fields.signed(), fields.text(), fields.text(), fields.signed()
        _, lifted = fields.text(), fields.signed()
        self.holds[number] = name.decode(errors='replace'), lifted == TIME_UNKNOWN

    def audit(self, fields, place):
        number = fields.varint()
        fields.signed(), [fields.text() for _ in range(5)], fields.varint(), fields.varint()
        previous, expected = fields.bytes(32), self.audit_hash
        self.audit_hash = sha256(fields.data)
        self.audits += 1
        if number != self.audits:
            raise Bad(f'audit record {number}: should be {self.audits}')
        if previous != expected:
            raise Bad(f'audit record {number}: does not name the one before it')

    def run(self, fields, place):
        number = fields.varint()
        fields.signed(), fields.signed(), fields.signed(), [fields.text() for _ in range(3)], [fields.varint() for _ in range(7)]
        previous, expected = fields.bytes(32), self.run_hash
        self.run_hash = sha256(fields.data)
        self.runs += 1
        if number != self.runs:
            raise Bad(f'run {number}: should be {self.runs}')
        if previous != expected:
            raise Bad(f'run {number}: does not name the run before it')


# ---- commands ----


def item_forms(log, item):
    """(extension, bytes) of each form it has, one at least."""
    if not item.full:
        raise Bad('its full record is lost')
    if not item.mime and not item.native:
        raise Bad('it has neither MIME nor a native stream')
    for extension, form in (('eml', item.mime), ('fts', item.native)):
        if not form:
            continue
        recipe, length, digest = form
        whole = message(log, recipe)
        if len(whole) != length or sha256(whole) != digest:
            raise Bad(f'the {extension} is not what the record says')
        yield extension, whole


def time_text(nanoseconds):
    if nanoseconds == TIME_UNKNOWN:
        return '-'
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=nanoseconds // 10**9)).strftime('%Y-%m-%dT%H:%M:%SZ')


def tell_damage(damage):
    for place, text in damage:
        print(f'damage: {place}: {text}', file=sys.stderr)
    return 1 if damage else 0


def tell_torn(log):
    if log.torn:
        place, why = log.torn
        print(f'torn tail: {place}: from here on nothing counts ({why})', file=sys.stderr)


def open_catalog(log):
    if log.unread:
        raise Refused('frames that can only be checked from the outside: ' + told_unread(log))
    return Catalog(log)


def told_unread(log):
    return ', '.join(f'{count} {reason}' for reason, count in sorted(log.unread.items()))


def do_list(log, options):
    catalog = open_catalog(log)
    for item in catalog.items.values():
        mailbox, folder = catalog.mailboxes.get(item.key[0], '?'), catalog.folders.get(item.key[:2], '?')
        _, length, digest = item.mime or item.native or (None, '-', item.hash)
        print(mailbox, folder, item.number, item.state, time_text(item.received), length, digest.hex(), sep='\t')
    return log.damage + catalog.damage


def do_extract(log, options):
    catalog = open_catalog(log)
    options.dir.mkdir(parents=True, exist_ok=True)
    damage = log.damage + catalog.damage
    for item in catalog.items.values():
        try:
            for extension, whole in item_forms(log, item) if item.state == 'live' else ():
                (options.dir / f'{item.number}.{extension}').write_bytes(whole)
        except Bad as e:
            damage.append((item.place, f'item {item.number}: {e}'))
    return damage


def do_check(log, options):
    damage = log.wrong_keyrings + log.damage
    words = f'{len(log.segments)} segments, {log.frames} frames, {log.commits} commits'
    if log.unread:
        words += f'; not looked into: {told_unread(log)} (objects, records, items and runs are not checked)'
    else:
        catalog = Catalog(log)
        damage += catalog.damage
        for item in catalog.items.values():
            try:
                for _ in item_forms(log, item) if item.state != 'expired' else ():
                    pass
            except Bad as e:
                damage.append((item.place, f'item {item.number}: {e}'))
        words += (f', {len(log.objects)} objects, {len(log.records)} records, {len(catalog.items)} items, '
                  f'{catalog.runs} runs')
    print(f'{words}: {f"{len(damage)} damaged" if damage else "clean"}')
    return damage


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True, metavar='list|extract|check')
    for verb, function in (('list', do_list), ('extract', do_extract), ('check', do_check)):
        sub = verbs.add_parser(verb)
        sub.set_defaults(function=function)
        sub.add_argument('archive', type=pathlib.Path)
        sub.add_argument('--key-file', type=lambda path: ('key-file', pathlib.Path(path)), dest='secret')
        sub.add_argument('--passphrase-file', type=lambda path: ('passphrase', pathlib.Path(path)), dest='secret')
        if verb == 'extract':
            sub.add_argument('dir', type=pathlib.Path)
    options = parser.parse_args()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `reader.py list ARCHIVE | head`
    try:
        log = Log(options.archive, options.secret)
        tell_torn(log)
        return tell_damage(options.function(log, options))
    except Refused as e:
        print(e, file=sys.stderr)
        return 2


if __name__ == '__main__':
    sys.exit(main())
