# SPDX-License-Identifier: Apache-2.0
"""docs/format.md and the code say the same. FORMAT_FACTS names the program that tells what the code does: offsets and sizes found
by changing one member at a time, names, numbers and limits; and how it reads records, recipes and packs that are made here
from the document's tables. What is in only one of both is a complaint.

The last tests change the document, then the code's answers, in each place that counts, and want a complaint every time: a
comparison that overlooks something is found by that.
"""
import os
import pathlib
import re
import subprocess
import sys

import document as doc

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FACTS = os.environ.get('FORMAT_FACTS', str(ROOT / 'build/tests/format/format-facts'))

# Where the document states a limit or a word: (section, pattern). Each match of the pattern must be what the code says.
LIMITS = {
    'FORMAT line': ('FORMAT', r'at most (\d+ bytes)'),
    'keyring': ('KEYRING', r'at most (\d+ KiB)'),
    'keyring slots': ('KEYRING', r'in order of their numbers; 1 to (\d+)'),
    'scrypt n from': ('KEYRING', r'a power of two from (\d+)'),
    'scrypt n to': ('KEYRING', r'a power of two from \d+ to (\d+)'),
    'scrypt r': ('KEYRING', r'`r` is 1 to (\d+)'),
    'scrypt p': ('KEYRING', r'`p` 1 to (\d+)'),
    'scrypt memory': ('KEYRING', r'is (\d+ MiB) or less'),
    'scrypt work': ('KEYRING', r'n \* r \* p (\d+) or less'),
    'object': ('Terms', r'At most (\d+ MiB)'),
    'payload': ('Frame header', r'at most (\d+ MiB)'),
    'pack entries': ('Packs', r'at most (\d+)'),
    'pack target': ('Packs', r'aims at (\d+ KiB)'),
    'own frame above': ('Frame header', r'more than (\d+ KiB)'),
    'frames of a segment': ('Writing', r'half of (\d+) frames'),
    'epoch bytes': ('Writing', r'An epoch is ended when (\d+ MiB)'),
    'epoch rows': ('Writing', r'(\d+) objects, records and notes'),
    'epoch log': ('Writing', r'or (\d+ MiB) of records and notes'),
    'epoch seconds': ('Writing', r'after (\d+) seconds'),
    'frame alignment': ('Terms', r'next multiple of (\d+)'),
}
WORDS = {
    'version': ('The archive, byte by byte', r"store's format, version (\d+\.\d+)"),
    'crc32c': ('The archive, byte by byte', r'`123456789` is `(\w+)`'),
    'segment': ('Files', r'(seg/\S+\.xseg) +segments, numbered from 1'),
    'prefix of data': ('Terms', r"the object's kind \(`(\w\w)` or `\w\w` hex\)"),
    'prefix of recipes': ('Terms', r"the object's kind \(`\w\w` or `(\w\w)` hex\)"),
    'prefix of frames': ('Frame header', r'over the byte `(\w\w)` hex'),
    'pack entry of a record': ('Packs', r'`B` \((\w\w)\) for a record'),
    'key of an object': ('The index', r'\| `obj` \| the first bytes of the id \((\d+)\)'),
    'record version': ('Records', r'a version byte \((\d+)\)'),
    'recipe version': ('Recipes', r'\| version \| u8 \| (\d+) \|'),
}
# "At most" that isn't a limit of this program but of what is described.
NO_LIMITS = {'at most 10 bytes', 'at most 64 bits'}


class Code:
    """What the program tells. ANSWERS are shared: the same bytes get the same answer."""

    def __init__(self, facts, answers):
        self.facts, self.answers = facts, answers

    def of(self, kind):
        return [fact[1:] for fact in self.facts if fact[0] == kind]

    def read(self, verb, inputs):
        """For each of INPUTS the lines that the code has to say of it."""
        new = sorted({f'{verb} {data.hex()}' for data in inputs} - self.answers.keys())
        if new:
            told = subprocess.run([FACTS, 'read'], input='\n'.join(new) + '\n', stdout=subprocess.PIPE, text=True, check=True)
            blocks = told.stdout.split('end\n')[:-1]
            assert len(blocks) == len(new), 'the program answers each line'
            self.answers.update(zip(new, ([line.split('\t') for line in block.splitlines()] for block in blocks)))
        return [self.answers[f'{verb} {data.hex()}'] for data in inputs]


def ask_code():
    told = subprocess.run([FACTS], stdout=subprocess.PIPE, text=True, check=True)
    return Code([line.split('\t') for line in told.stdout.splitlines()], {})


# ---- comparisons: each yields complaints, and adds the lines it looked at to SEEN ----


def compare_layouts(document, code, seen):
    told = {name: (int(size), bytes.fromhex(zeros)) for name, size, zeros in code.of('layout')}
    written = {name: value for name, value in doc.layouts(document).items()}
    written |= {letter: (fields_of_record(fields), sorted({f.line for f in fields}))
                for letter, fields in doc.records(document).items() if letter in told}
    yield from only_one_side('layout', written, told)
    for name in written.keys() & told.keys():
        fields, lines = written[name]
        seen.update(lines)
        yield from (f'{name}: {text}' for text in compare_fields(name, fields, *told[name], code))
    for name, *_ in code.of('field') + code.of('checksum'):
        if name not in told:
            yield f'{name}: fields without a layout'


def fields_of_record(fields):
    """A record whose fields have fixed sizes, as a layout: behind the type byte and the version."""
    found, offset = [], 2
    for field in fields:
        size, _ = doc.fixed_size(field.type) or (0, '')
        found.append(doc.Field(field.name, offset, size, field.type))
        offset += size
    return found


def compare_fields(name, fields, size, zeros, code):
    told = {own: (int(at) if at.isdigit() else at, int(length), order)
            for layout, own, at, length, order in code.of('field') if layout == name}
    checksums = {(int(at), int(length)) for layout, at, length in code.of('checksum') if layout == name}
    end, rest = 0, bytearray(zeros)  # what isn't said to be there must be 0
    if len(name) == 1:  # a record
        end = 2
        if zeros[:2] != name.encode() + b'\1':
            yield f'begins with {zeros[:2].hex()} in the code'
    for field in fields:
        if field.offset != end:
            yield f'"{field.name}" is at {field.offset} by the document, where {end} comes next'
        end = field.offset + field.size
        if field.name in told:
            at, length, order = told.pop(field.name)
            if (at, length) != (field.offset, field.size):
                yield f'"{field.name}": {field.offset}, {field.size} bytes by the document, {at}, {length} bytes in the code'
            wanted = 'big' if 'big-endian' in field.note else 'little'
            if order != wanted and length > 1:
                yield f'"{field.name}" is {order}-endian in the code'
        elif (field.offset, field.size) in checksums and 'CRC32C' in field.name:
            checksums.remove((field.offset, field.size))
        else:
            yield from compare_constant(field, zeros)
            rest[field.offset:end] = bytes(field.size)
    if any(rest[2 if len(name) == 1 else 0:]):
        yield 'the code puts something where the document has no constant'
    if end != size:
        yield f'{end} bytes by the document, {size} in the code'
    yield from (f'"{field}" is in the code alone' for field in told)
    yield from (f'the checksum at {at} is in the code alone' for at, _ in checksums)


def compare_constant(field, zeros):
    found = zeros[field.offset:field.offset + field.size]
    wanted = field.constant
    if isinstance(wanted, int):
        wanted = wanted.to_bytes(max(field.size, 1), 'little')
    if wanted is None:
        yield f'"{field.name}" at {field.offset} is in the document alone'
    elif found != wanted:
        yield f'"{field.name}" at {field.offset} is {wanted.hex()} by the document, {found.hex()} in the code'


def compare_choices(document, code, seen):
    told = {}
    for section, field, number, word in code.of('choice'):
        told.setdefault((section, field), {})[int(number)] = word
    # A single "1 for the first" may be a sentence; two are a list.
    written = {key: value for key, value in doc.choices(document).items() if key in told or len(value[0]) > 1}
    written.pop(('Records', 'tri'), None)  # a type, not a field
    yield from only_one_side('list of values', written, told)
    for key in written.keys() & told.keys():
        words, lines = written[key]
        seen.update(lines)
        for number in words.keys() | told[key].keys():
            if words.get(number) != told[key].get(number):
                yield f'{key}: {number} is {words.get(number)} by the document, {told[key].get(number)} in the code'


def compare_stated(document, code, seen):
    """Limits and words."""
    limits = {name: int(value) for name, value in code.of('limit')}
    words = {name: value for name, value in code.of('word') if name != 'FORMAT' and not name.startswith('KEYRING')}
    yield from only_one_side('limit', LIMITS, limits)
    yield from only_one_side('word', WORDS, words)
    for name in LIMITS.keys() & limits.keys():
        yield from compare_statement(document, name, LIMITS[name], limits[name], doc.number_of)
    for name in WORDS.keys() & words.keys():
        yield from compare_statement(document, name, WORDS[name], words[name], str)
    for section, text in document.sections.items():
        for match in re.finditer(r'(?i)at most \d+(?: \w+)?', text):
            if match.group() not in NO_LIMITS and not any(
                    section == where and re.search(pattern, match.group()) for where, pattern in LIMITS.values()):
                yield f'{section}: "{match.group()}" is compared with nothing'


def compare_statement(document, name, where, told, read):
    section, pattern = where
    found = re.findall(pattern, document.sections.get(section, ''))
    if not found:
        yield f'{name}: the document does not say (section "{section}": {pattern})'
    for value in found:
        if read(value) != told:
            yield f'{name}: {value} by the document, {told} in the code'


def compare_format_line(document, code, seen):
    (told,) = [value for name, value in code.of('word') if name == 'FORMAT'] or ['']
    shown = ''.join(line for line in document.sections['FORMAT'].split('\n') if line.startswith('    '))
    def shape(line):
        line = re.sub(r'(uuid|crc32c)=(?:<(\d+) hex>|([0-9a-f]+))', lambda m: f'{m[1]}={m[2] or len(m[3])} digits', line)
        return line.split()
    if shape(shown) != shape(told):
        yield f'FORMAT: {shape(shown)} by the document, {shape(told)} in the code'
    named = [doc.plain(row.cells[0]) for row in document.table('FORMAT', 'Field', 'Meaning').rows]
    seen.update(row.line for row in document.table('FORMAT', 'Field', 'Meaning').rows)
    in_line = [field.split('=')[0] for field in told.split()[1:]]
    if named != in_line:
        yield f'FORMAT: the table has {named}, the code {in_line}'


def compare_keyring(document, code, seen):
    """The lines shown, with zeros for what is random, and the names of the table."""
    told = {name: value for name, value in code.of('word') if name.startswith('KEYRING')}
    lines = [line.strip() for line in document.sections['KEYRING'].split('\n') if re.match(' +(exarch-keyring|slot=)', line)]
    shown = {f'KEYRING {number}': re.sub(r'<(\d+) hex>', lambda m: '0' * int(m[1]), line)
             for number, line in enumerate(lines, 1)}
    if shown != told:
        yield f'KEYRING: {shown} by the document, {told} in the code'
    named = re.findall(r'`(\w+)`', ' '.join(row.cells[0] for row in document.table('KEYRING', 'Field', 'Meaning').rows))
    missing = {field.split('=')[0] for line in told.values() for field in line.split() if '=' in field} - {*named, 'slot', 'kind', 'kdf'}
    if missing:
        yield f'KEYRING: the table says nothing of {missing}'


def compare_records(document, code, seen):
    told, written = dict(code.of('record')), doc.records(document)
    layouts = {name for name, *_ in code.of('layout')}
    yield from only_one_side('record', written, told)
    for letter in written.keys() & told.keys():
        name, line = doc.record_names(document)[letter]
        seen.add(line)
        if name != told[letter]:
            yield f'record {letter}: is "{name}" by the document, "{told[letter]}" in the code'
    types = {doc.plain(row.cells[0]) for row in document.table('Records', 'notation', 'meaning').rows}
    seen.update(row.line for row in document.table('Records', 'notation', 'meaning').rows)
    if types != doc.TYPES.keys() - {'u8'}:
        yield f'Records: the types are {sorted(types)}'
    for letter in written.keys() & told.keys() - layouts:
        seen.update(field.line for field in written[letter])
        yield from (f'record {letter}: {text}' for text in compare_record(letter, written[letter], code))


def compare_record(letter, fields, code):
    """One field at a time has a value that can't be overlooked, the others have one like nothing; but a field that is there
    only if another one isn't 0 comes with that one."""
    tries = []
    for marked in [None, *fields]:
        set_too = needed_by(marked) if marked else None
        values = [doc.type_of(f.type)[2 if f is marked or f.name == set_too else 1] for f in fields]
        is_there = {f.name: bool(v) for f, v in zip(fields, values)}
        data = letter.encode() + b'\1' + b''.join(doc.type_of(f.type)[0](v) for f, v in zip(fields, values)
                                                  if is_there.get(needed_by(f), True))
        tries.append((data, values))
    for (data, values), answer in zip(tries, code.read('record', [data for data, _ in tries])):
        read = [(line[1], line[2]) for line in answer if line[0] == 'value']
        wanted = [(f.name, v.hex() if isinstance(v, bytes) else str(v)) for f, v in zip(fields, values)]
        again = [line[1] for line in answer if line[0] == 'again']
        for line in answer:
            if line[0] == 'failed':
                yield f'the code cannot read it: {line[1]}'
        if read != wanted:
            yield f'read as {[r for r in read if r not in wanted]}, should be {[w for w in wanted if w not in read]}'
        elif again != [data.hex()]:
            yield f'written again as {again}, was {data.hex()}'


def needed_by(field):
    """The name of the field that must not be 0 for this one to be there."""
    match = re.match(r"only if \*([^*]+)\* isn't 0", field.note)
    return match.group(1) if match else None


def compare_recipes(document, code, seen):
    head = doc.typed_fields(document.table('Recipes', 'field', 'type', 'meaning'))
    rows = document.table('Recipes', 'operation', 'first byte').rows
    seen.update([f.line for f in head] + [row.line for row in rows])
    operations = [make_operation(*row.cells[:3]) for row in rows]
    values = {'count': len(operations)}
    for field in head:
        if field.note.isdigit():
            values[field.name] = int(field.note)
        values.setdefault(field.name, doc.type_of(field.type)[2])
    data = b''.join(doc.type_of(f.type)[0](values[f.name]) for f in head) + b''.join(data for data, _ in operations)
    wanted = [['value', f.name, values[f.name].hex() if isinstance(values[f.name], bytes) else str(values[f.name])]
              for f in head if not f.note.isdigit()] + [line for _, line in operations]
    (answer,) = code.read('recipe', [data])
    if answer != wanted:
        yield f'Recipes: read as {answer}, should be {wanted}'


def make_operation(name, first, then):
    """(bytes, what the code should say) of 'object id (32 bytes), varint n, u8 eol'"""
    values = {'n': 5, 'line': 76, 'column': 4, 'eol': 1}
    data, told = bytes([int(first)]), []
    for part in then.split(', '):
        if part == 'n bytes':
            data, told = data + b'bytes', [b'bytes'.hex()]  # their length isn't told apart
        elif match := re.fullmatch(r'object id \((\d+) bytes\)', part):
            own_id = bytes(range(1, int(match.group(1)) + 1))
            data, told = data + own_id, told + [own_id.hex()]
        else:
            own_type, value = part.split(' ')
            data, told = data + doc.type_of(own_type)[0](values.get(value, 0)), told + [str(values.get(value))]
    return data, ['operation', name, *told]


def compare_packs(document, code, seen):
    """Their table has sizes and sentences: the sentence of the directory is read."""
    rows = document.table('Packs', 'Size', 'Field').rows
    seen.update(row.line for row in rows)
    if [row.cells[1] for row in rows] != ['count', 'the directory', 'the bytes']:
        yield 'Packs: the table is another one'
        return
    parts = re.findall(r'([a-z]+) \((\d+ byte|varint|\d+ bytes)\)', doc.plain(rows[1].cells[2]))
    entries = [(0x44, b'data'), (0x52, b'a recipe'), (0x42, b'record')]
    data, wanted = len(entries).to_bytes(int(rows[0].cells[0]), 'little'), []
    for slot, (kind, content) in enumerate(entries):
        own_id = bytes([kind]) * 32 if chr(kind) in re.findall(r'`(\w)`', rows[1].cells[2].split('for kinds')[-1]) else b''
        values = {'kind': bytes([kind]), 'length': doc.varint(len(content)), 'id': own_id}
        data += b''.join(values[name] for name, _ in parts)
        wanted.append(['entry', str(slot), f'{kind:02x}', (own_id or bytes(32)).hex(), content.decode()])
    if dict(parts) != {'kind': '1 byte', 'length': 'varint', 'id': '32 bytes'}:
        yield f'Packs: the directory has {parts}'
    (answer,) = code.read('pack', [data + b''.join(content for _, content in entries)])
    if answer != wanted:
        yield f'Packs: read as {answer}, should be {wanted}'


def only_one_side(what, written, told):
    yield from (f'{what} {name}: in the document alone' for name in written.keys() - told.keys())
    yield from (f'{what} {name}: in the code alone' for name in told.keys() - written.keys())


def compare_objects(document, code, seen):
    """Rows of `obj`, whose cell lists fields of varying length."""
    (row,) = [row for row in document.table('The index', 'Table', 'Key', 'Value').rows if row.cells[0] == '`obj`']
    seen.add(row.line)
    fields = re.findall(r'([a-z ]+) \((1 byte|varint)\)', row.cells[2])
    for marked, _ in fields:
        values = {name: 77 if kind == '1 byte' else 1234 if name == marked else 1 for name, kind in fields}
        data = b''.join(bytes([values[name]]) if kind == '1 byte' else doc.varint(values[name]) for name, kind in fields)
        wanted = [['value', name.strip(), str(value)] for name, value in values.items()] + [['again', data.hex()]]
        (answer,) = code.read('object', [data])
        if answer != wanted:
            yield f'obj: read as {answer}, should be {wanted}'


COMPARISONS = [compare_layouts, compare_choices, compare_stated, compare_format_line, compare_keyring, compare_records, compare_recipes,
               compare_packs, compare_objects]


def complaints(text, code, seen=None):
    """All of them, of all comparisons; a document that can't be understood is one too."""
    seen, found = set() if seen is None else seen, []
    document = doc.Document(text)
    for compare in COMPARISONS:
        try:
            found += compare(document, code, seen)
        except (doc.Unreadable, ValueError, KeyError, IndexError) as e:
            found.append(f'{compare.__name__}: {e!r}')
    return found


# ---- tests ----


def the_document_and_the_code_agree(text, code):
    return complaints(text, code)


def changed_lines(text, seen):
    """Documents with one mistake, in the lines that the comparisons looked at."""
    lines = text.split('\n')
    for number in sorted(seen):
        line = lines[number]
        yield f'without line {number + 1}', [*lines[:number], *lines[number + 1:]]
        cells = line.split('|')
        for index, cell in enumerate(cells):
            if re.fullmatch(r' *\d+ *', cell):
                cells_now = [*cells[:index], f' {int(cell) + 1} ', *cells[index + 1:]]
                yield f'line {number + 1}, another number', [*lines[:number], '|'.join(cells_now), *lines[number + 1:]]
        for match in re.finditer(r'(?<=\()\d+(?=\))', line):
            now = line[:match.start()] + str(int(match.group()) + 1) + line[match.end():]
            yield f'line {number + 1}, another size', [*lines[:number], now, *lines[number + 1:]]
        if number + 1 in seen and lines[number + 1] != line:
            swapped = [*lines[:number], lines[number + 1], line, *lines[number + 2:]]
            yield f'lines {number + 1} and {number + 2} swapped', swapped


def changed_statements(text):
    for name, (section, pattern) in (LIMITS | WORDS).items():
        begin = re.search(rf'^#+ {re.escape(section)}$', text, re.M).end()
        match = re.compile(pattern).search(text, begin)
        value = match.group(1)
        other = re.sub(r'\d', lambda m: str((int(m.group()) + 1) % 10), value, count=1)
        yield f'another {name}', (text[:match.start(1)] + other + text[match.end(1):]).split('\n')


# Kinds, operations, types and index rows have no order among themselves.
NO_ORDER = re.compile(r'\| (\d+ \| [A-Z]|`(meta|obj)`|(LIT|RAW|B64|varint|signed|time|text|bytes|tri) \|)')


def has_order(text, what):
    return not what.endswith('swapped') or not NO_ORDER.match(text.split('\n')[int(re.search(r'\d+', what).group()) - 1])


def every_change_of_the_document_is_noticed(text, code):
    seen = set()
    complaints(text, code, seen)
    tried, overlooked = 0, []
    for what, lines in [*changed_lines(text, seen), *changed_statements(text)]:
        tried += 1
        if has_order(text, what) and not complaints('\n'.join(lines), code):
            overlooked.append(f'{what} is not noticed')
    print(f'# {tried} documents with a mistake')
    return overlooked if tried > 100 else ['hardly anything was tried']


def every_change_of_the_code_is_noticed(text, code):
    tried, overlooked = 0, []
    for number, fact in enumerate(code.facts):
        others = [code.facts[:number] + code.facts[number + 1:]]
        for column in range(1, len(fact)):
            if fact[0] == 'field' and column == 5 and fact[4] == '1':
                continue  # a byte has no order
            others.append([*code.facts[:number], [*fact[:column], another(fact[column]), *fact[column + 1:]],
                           *code.facts[number + 1:]])
        for facts in others:
            tried += 1
            if not complaints(text, Code(facts, code.answers)):
                overlooked.append(f'{fact}: a change is not noticed')
    print(f'# {tried} programs with a mistake')
    return overlooked if tried > 100 else ['hardly anything was tried']


def another(value):
    if value.startswith('exarch-store'):
        return value.replace(' codec=', ' kodec=')  # its checksum is of the archive, not of the format
    if value.isdigit():
        return str(int(value) + 1)
    return {'little': 'big', 'big': 'little'}.get(value, value[:-2] + ('00' if value[-2:] != '00' else '01'))


def every_change_of_an_answer_is_noticed(text, code):
    """As if the code read or wrote one field wrongly."""
    overlooked, honest = [], Code(code.facts, {})
    complaints(text, honest)
    for asked, answer in honest.answers.items():
        for number, line in enumerate(answer):
            wrong = [*line[:-1], another(line[-1]) if line[-1] else '00']
            answers = honest.answers | {asked: [*answer[:number], wrong, *answer[number + 1:]]}
            if not complaints(text, Code(code.facts, answers)):
                overlooked.append(f'{asked}: {line} instead of {wrong} is not noticed')
    return overlooked if honest.answers else ['nothing was asked']


def main():
    text, code = (ROOT / 'docs/format.md').read_text(), ask_code()
    tests = [the_document_and_the_code_agree, every_change_of_the_document_is_noticed, every_change_of_the_code_is_noticed,
             every_change_of_an_answer_is_noticed]
    print(f'1..{len(tests)}')
    good = True
    for number, test in enumerate(tests, 1):
        found = test(text, code)
        print(f'{"not ok" if found else "ok"} {number} - {test.__name__}')
        for line in found:
            print(f'# {line}')
        good = good and not found
    sys.exit(0 if good else 1)


if __name__ == '__main__':
    main()
