# SPDX-License-Identifier: Apache-2.0
"""docs/format.md as data: sections, tables, and what their cells mean. Knows how the document is written, not what it says."""
import dataclasses
import re


class Unreadable(Exception):
    """The document says something in a way that this reader doesn't understand."""


@dataclasses.dataclass
class Row:
    line: int  # in the document, from 0
    cells: list


@dataclasses.dataclass
class Table:
    section: str  # the nearest heading, or the letter of the record whose bold line stands above
    head: list
    rows: list

    def begins(self, *names):
        return self.head[:len(names)] == list(names)


def cells_of(line):
    return [cell.strip() for cell in line.strip().strip('|').split('|')] if line.startswith('|') else None


class Document:
    def __init__(self, text):
        self.lines = text.split('\n')
        self.sections = {}  # heading: its text, up to the next heading
        self.tables = []
        heading = label = ''
        rows = []
        for number, line in enumerate([*self.lines, '']):
            if match := re.match(r'#+ (.*)', line):
                heading = label = match.group(1)
            if match := re.match(r'\*\*(\w), [^*]+\*\*', line):
                label = match.group(1)
            self.sections[heading] = self.sections.get(heading, '') + line + '\n'
            cells = cells_of(line)
            if cells is None and rows:
                self.tables.append(Table(label, rows[0].cells, rows[2:]))
                rows = []
            elif cells is not None:
                rows.append(Row(number, cells))

    def tables_of(self, *head):
        return [t for t in self.tables if t.begins(*head)]

    def table(self, section, *head):
        for t in self.tables_of(*head):
            if t.section == section:
                return t
        raise Unreadable(f'{section}: no table that begins with {head}')


# ---- what cells mean ----


def plain(cell):
    return cell.replace('`', '')


def number_of(text):
    """'16 MiB', '512 bytes', '65535'"""
    match = re.fullmatch(r'(\d+)(?: (KiB|MiB|bytes))?', text)
    if not match:
        raise Unreadable(f'{text!r} is no number')
    return int(match.group(1)) << {'KiB': 10, 'MiB': 20}.get(match.group(2), 0)


def choices_of(cell):
    """{number: word} of '1 zlib (RFC 1950), 2 zstd; others: refuse'"""
    found = {}
    for chunk in re.split(r'[,;:] ?', re.sub(r' ?\([^)]*\)', '', plain(cell))):
        if match := re.fullmatch(r'(\d+) (\D.*)', chunk.strip()):
            found[int(match.group(1))] = match.group(2)
    return found


def constant_of(cell):
    """The bytes of '`58 46 52 a9`' or '`XARSEG01`', the number of '1' and '0; others: refuse'; None for other words."""
    if match := re.match(r'`([0-9a-f]{2}(?: [0-9a-f]{2})+)`', cell):
        return bytes.fromhex(match.group(1))
    if match := re.match(r'`([^`]+)`', cell):
        return match.group(1).encode()
    match = re.match(r'(\d+)(?:;|$)', cell)
    return int(match.group(1)) if match else None


@dataclasses.dataclass
class Field:
    name: str
    offset: int
    size: int
    note: str = ''
    constant: object = None


def parts_of(cell):
    """'per frame: offset (8), id (32), 0 (2)' as (name, size, constant), None if it isn't such a list."""
    text = re.sub(r'^[^()]*: ', '', plain(cell))
    found = []
    for part in re.split(r', (?![^(]*\))', text):
        match = re.fullmatch(r'(.+?) \((\d+)\)(?: = (\d+))?', part)
        if not match:
            return None
        name, size, value = match.groups()
        found.append((name, int(size), 0 if name == '0' else int(value) if value else None))
    return found if len(found) > 1 else None


def fields_of_parts(parts):
    fields, offset = [], 0
    for name, size, constant in parts:
        fields.append(Field(name, offset, size, constant=constant))
        offset += size
    return fields


def layouts(document):
    """{name: (fields, numbers of the lines they stand in)} of all tables of offsets, and of all rows that list fields with sizes.
    Offsets are as the document says; that they add up is for the caller to see."""
    found = {}
    for table in document.tables_of('Offset', 'Size', 'Field'):
        fields = []
        for row in table.rows:
            offset, size, name, note = (row.cells + [''])[:4]
            if size.endswith(' each'):
                if fields and int(offset) != fields[-1].offset + fields[-1].size:
                    raise Unreadable(f'{table.section}: "{name}" does not follow what stands above it')
                listed = parts_of(note) or []
                if sum(part[1] for part in listed) != int(size.removesuffix(' each')):
                    raise Unreadable(f'{table.section}: the parts of "{name}" do not add up to {size}')
                found[f'{table.section}/{name}'] = fields_of_parts(listed), [row.line]
            else:
                fields.append(Field(plain(name), int(offset), int(size), note, constant_of(note) if note else None))
        found[table.section] = fields, [row.line for row in table.rows]
    for table in document.tables:
        for row in table.rows:
            listed = parts_of(row.cells[-1])
            if listed and not table.begins('Offset'):
                names = [re.match(r'`(\w+)`', cell) for cell in row.cells[:-1]]
                name = [match.group(1) for match in names if match][-1]
                found[f'{table.section}/{name}'] = fields_of_parts(listed), [row.line]
    return found


def choices(document):
    """{(section, field): ({number: word}, lines)} of all fields that have a few values with names."""
    found = {}
    for table in document.tables:
        if table.begins('Kind', 'Name') or table.begins('operation', 'first byte'):
            number, name = (0, 1) if table.head[0] == 'Kind' else (1, 0)
            rows = [row for row in table.rows if row.cells[-1] != 'reserved']
            words = {int(row.cells[number]): row.cells[name] for row in rows}
            found[table.section, table.head[0].lower()] = words, [row.line for row in rows]
            continue
        column = table.head.index('Field') if 'Field' in table.head else 0
        for row in table.rows:
            if words := choices_of(row.cells[-1]):
                found[table.section, plain(row.cells[column])] = words, [row.line]
    return found


@dataclasses.dataclass
class Typed:
    name: str
    type: str
    note: str
    line: int


def typed_fields(table):
    """The rows of a table of fields in order, each name with its type: 'sent, created | time x 2' is two."""
    found = []
    for row in table.rows:
        names, types, note = row.cells[0].split(', '), row.cells[1].split(', '), row.cells[2]
        if match := re.fullmatch(r'(.+) x (\d+)', row.cells[1]):
            types = [match.group(1)] * int(match.group(2))
        if len(names) != len(types):
            raise Unreadable(f'{table.section}: {len(names)} names, {len(types)} types: {row.cells[0]}')
        found += [Typed(name, own_type, note, row.line) for name, own_type in zip(names, types)]
    return found


def records(document):
    """{letter: its fields}"""
    return {t.section: typed_fields(t) for t in document.tables_of('field', 'type', 'meaning') if len(t.section) == 1}


def record_names(document):
    """{letter: (name, line)} of '**M, mailbox**. ...'"""
    found = {}
    for number, line in enumerate(document.lines):
        if match := re.match(r'\*\*(\w), ([^*]+)\*\*', line):
            found[match.group(1)] = match.group(2), number
    return found


# ---- values as bytes, by the name of their type ----


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def signed(value):
    return varint(value << 1 ^ value >> 63)


def sized(value):
    return varint(len(value)) + value


# type: (how to put a value, a value like nothing, a value that can't be overlooked)
TYPES = {
    'u8': (lambda v: bytes([v]), 0, 1),
    'tri': (lambda v: bytes([v]), 0, 1),
    'varint': (varint, 0, 77001),
    'signed': (signed, 0, -77001),
    'time': (signed, 0, -7700100),
    'text': (lambda v: sized(v + b'\0'), b'', b'a text'),
    'bytes': (sized, b'', b'\0\1bytes'),
}


def type_of(name):
    if name in TYPES:
        return TYPES[name]
    if match := re.fullmatch(r'(\d+) bytes', name):
        size = int(match.group(1))
        return (lambda v: v), bytes(size), bytes(range(1, size + 1))
    raise Unreadable(f'a field of unknown type "{name}"')


def fixed_size(name):
    """(size, byte order) of a type that always takes as many bytes; None of others."""
    if match := re.fullmatch(r'u(\d+) big-endian', name):
        return int(match.group(1)) // 8, 'big'
    if match := re.fullmatch(r'(\d+) bytes', name):
        return int(match.group(1)), 'little'
    return (1, 'little') if name in ('u8', 'tri') else None
