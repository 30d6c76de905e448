# SPDX-License-Identifier: Apache-2.0
"""Encrypted archives: nothing of the mail stands in any file, who has a key reads everything, who has none reads nothing, and
keys come from where they may come from and from nowhere else."""
import base64
import collections
import os
import pathlib
import re
import signal
import sys

import harness
import mail
from terminal import Terminal

sys.path.insert(0, str(harness.ROOT / 'tests'))
import reader  # noqa: E402

MAIL = harness.FIXTURES / 'mail'
ALL = collections.Counter(mail.of_files(MAIL))
PASSPHRASE = 'correct horse battery staple'
LEAST = 5  # characters of a word that is looked for: shorter ones stand in any noise


def private(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return path


def small(run):
    """A simulator with three messages."""
    return run.simulator('--mail', mail.write(run.dir / 'mail', {
        'anna/Inbox/one.eml': 'one', 'anna/Inbox/two.eml': 'two', 'bert/Sent Items/three.eml': 'three'}))


def encrypted(run, sim, *options, **how):
    """Makes sim.archive with a key, archives into it, and gives the key's options."""
    options = options or ('--key-file', run.dir / 'key')
    run.exarch('init', sim.archive, '--encrypt', *options, **how)
    run.archive(sim.written_profile, *options, **how)
    return options


def refused(run, code, *args, names=(), **how):
    """One clear line on stderr, nothing on stdout, and this exit code."""
    result = run.exarch(*args, expect=code, **how)
    harness.same(f'{result}: stdout', result.out, '')
    harness.same(f'{result}: lines on stderr', len(result.err.splitlines()), 1)
    harness.contains(f'{result}: the error', result.err, *names)
    return result


# ---- what can be found in the files ----


def messages(folder):
    return [path.read_bytes() for path in sorted(pathlib.Path(folder).rglob('*.eml'))]


def words_of(run, archive):
    """{what: words} that an archive of MAIL must not show, as an archive that isn't encrypted lists them and as they stand in
    the messages."""
    found = collections.defaultdict(set)
    for item in run.exarch('list', archive, '--json', '--all-versions').objects():
        found['subjects'].add(item['subject'])
        found['mailboxes'].add(item['mailbox'])
        found['folders'].update(item['folder'].split('/'))
        found['message ids'].add(item['message_id'])
        found['server ids'].add(item['item_id'])
        found['hashes'].add(item['sha256'])
    for content in messages(MAIL):
        found['addresses'].update(a.decode() for a in re.findall(rb'[\w.+-]+@[\w-]+\.[\w.-]*\w', content))
        body = content.partition(b'\r\n\r\n')[2]
        found['bodies'].update(line.decode() for line in re.findall(rb'^[A-Za-z][\w ,.]{20,70}\b', body, re.M))
    return {what: {word for word in words if word and len(word) >= LEAST} for what, words in found.items()}


def in_base64(word):
    """The part of WORD's base64 that doesn't depend on its neighbours, for each of the three ways to stand there."""
    for skip in range(3):
        text = base64.b64encode(bytes(skip) + word)
        yield text[4 if skip else 0:-4]


def forms(word):
    """WORD as bytes, in the ways in which a program may have written it down."""
    raw = word.encode()
    yield raw
    yield word.encode('utf-16-le')
    yield word.encode('utf-16-be')
    yield raw.hex().encode()
    yield from (form for form in in_base64(raw) if len(form) >= LEAST + 2)


def found_in(content, words):
    """The words that stand in CONTENT in any form. One pass, whatever their number: a form is compared where its first bytes
    stand."""
    by_begin = collections.defaultdict(list)
    for word in words:
        for form in forms(word):
            by_begin[form[:LEAST]].append((form, word))
    found = set()
    for at in range(len(content)):
        begin = content[at:at + LEAST]
        if begin in by_begin:
            found.update(word for form, word in by_begin[begin] if content.startswith(form, at))
    return found


def files_of(archive):
    return {path: path.read_bytes() for path in sorted(archive.rglob('*')) if path.is_file()}


def unpacked(archive):
    """All payloads of an archive that isn't encrypted, unpacked, and its index."""
    content = [(archive / 'idx/data.mdb').read_bytes()]
    for number, data in reader.open_segments(archive).items():
        offset = reader.SEGMENT_HEADER
        while offset < len(data):
            frame = reader.read_header(data, reader.Place(number, offset))
            content.append(reader.read_payload(data, frame, encrypted=False))
            offset += reader.FRAME_HEADER + reader.padded(frame.stored)
    return b'\0'.join(content)


def the_search_finds_words_in_every_form(run):
    for word in ('Quartalszahlen', 'anna@sim.example', '日本語 案件'):
        raw = word.encode()
        for text in (raw, raw.hex().encode(), word.encode('utf-16-le'), word.encode('utf-16-be'), base64.b64encode(raw),
                     base64.b64encode(b'x' + raw + b'y'), base64.b64encode(b'xy' + raw + b'z')):
            harness.same(f'{word} found in {text}', found_in(b'noise' + text + b'noise', {word}), {word})


def nothing_of_the_mail_stands_in_any_file(run):
    sim = run.simulator('--mail', MAIL)
    run.archive(sim.written_profile)
    words = words_of(run, sim.archive)
    plain = unpacked(sim.archive)
    hashes = {bytes.fromhex(digest) for digest in words.pop('hashes')}
    every_word = set().union(*words.values())
    found = found_in(plain, every_word)
    for what, some in words.items():
        harness.check(len(found & some) >= 3, f'{what} should be found in an archive that is not encrypted, or the search finds '
                      f'nothing: {harness.shorten(repr(some))}')
    harness.check(all(digest in plain for digest in hashes), 'hashes of messages stand in an archive that is not encrypted')

    for name, options in (('by-file', ('--key-file', run.dir / 'key')),
                          ('by-passphrase', ('--passphrase-file', private(run.dir / 'passphrase', PASSPHRASE + '\n')))):
        archive = run.dir / name
        run.exarch('init', archive, '--encrypt', *options)
        run.archive(sim.profile(archive=str(archive)), *options)
        for path, content in files_of(archive).items():
            harness.same(f'words in {path.relative_to(archive)}', found_in(content, every_word | {PASSPHRASE}), set())
            harness.check(not any(digest in content for digest in hashes), f'hashes of messages in {path}')
            secret = (run.dir / 'key').read_text().strip()
            harness.check(secret.encode() not in content and bytes.fromhex(secret) not in content, f'the key in {path}')


# ---- with a key, and without ----


def with_its_key_every_verb_works(run):
    sim = run.simulator('--mail', MAIL)
    for options in (('--key-file', run.dir / 'key'),
                    ('--passphrase-file', private(run.dir / 'passphrase', PASSPHRASE + '\r\n'))):
        sim.archive = run.dir / options[0].strip('-')
        profile = sim.profile(archive=str(sim.archive))
        run.exarch('init', sim.archive, '--encrypt', *options)
        run.archive(profile, *options)
        sim.forget()
        run.archive(profile, *options)
        harness.same('items fetched by a second run', sim.fetched_items(), 0)
        listed = run.exarch('list', sim.archive, '--json', *options).objects()
        harness.same('items listed', len(listed), sum(ALL.values()))
        run.exarch('show', sim.archive, listed[0]['number'], *options)
        run.exarch('rebuild', sim.archive, *options)
        harness.same('the list after a rebuild', run.exarch('list', sim.archive, '--json', *options).objects(), listed)
        to = run.dir / (sim.archive.name + '-out')
        run.exarch('export', sim.archive, '--to', to, *options)
        harness.same_multiset('messages exported', collections.Counter(harness.exported(to)), ALL)
        for level in ('headers', 'bytes', 'blobs', 'messages'):
            run.exarch('verify', sim.archive, '--level', level, *options)


def without_a_key_nothing_but_bytes_can_be_verified(run):
    sim = small(run)
    encrypted(run, sim)
    before = harness.tree_state(sim.archive)
    for level in ('headers', 'bytes'):
        harness.contains('what verify says', run.verify(sim.archive, level).out, 'undamaged')
    for args in (('list', sim.archive), ('show', sim.archive, 1), ('export', sim.archive, '--to', run.dir / 'out'),
                 ('verify', sim.archive), ('verify', sim.archive, '--level', 'blobs'), ('rebuild', sim.archive),
                 ('key', 'remove', sim.archive, 1), ('key', 'add', sim.archive, '--new-key-file', run.dir / 'new')):
        refused(run, harness.SIGN_IN, *args, names=('encrypted', '--key-file'))
    refused(run, harness.SIGN_IN, 'archive', sim.written_profile, '--quiet', names=('encrypted',))
    harness.same('the archive', harness.tree_state(sim.archive), before)
    harness.check(not (run.dir / 'new').exists() and not (run.dir / 'out').exists(), 'nothing was made')
    segment = next(sim.archive.rglob('*.xseg'))
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 4
    segment.write_bytes(content)
    run.verify(sim.archive, 'bytes', expect=harness.INTEGRITY)
    content[len(content) // 2] ^= 4
    segment.write_bytes(content)


def a_wrong_key_is_told_in_one_line(run):
    sim = small(run)
    encrypted(run, sim)
    run.exarch('init', run.dir / 'other', '--encrypt', '--key-file', run.dir / 'wrong')
    private(run.dir / 'passphrase', PASSPHRASE)
    before = harness.tree_state(sim.archive)
    for wrong in (('--key-file', run.dir / 'wrong'), ('--passphrase-file', run.dir / 'passphrase')):
        for args in (('list', sim.archive), ('verify', sim.archive), ('verify', sim.archive, '--level', 'bytes'),
                     ('rebuild', sim.archive), ('key', 'change', sim.archive, '--new-key-file', run.dir / 'new')):
            refused(run, harness.SIGN_IN, *args, *wrong, names=(str(sim.archive), 'open'))
        refused(run, harness.SIGN_IN, 'archive', sim.written_profile, '--quiet', *wrong, names=(str(sim.archive),))
    harness.same('the archive', harness.tree_state(sim.archive), before)


# ---- keys come and go ----


def a_changed_key_opens_and_the_old_one_no_longer_does(run):
    sim = small(run)
    old = encrypted(run, sim)
    new = ('--passphrase-file', private(run.dir / 'new', PASSPHRASE + '\n'))
    segments = {p: c for p, c in files_of(sim.archive).items() if p.suffix == '.xseg'}
    told = run.exarch('key', 'change', sim.archive, *old, '--new-passphrase-file', run.dir / 'new').out
    harness.contains('what it says', told, 'key 2', 'without a key nobody can read', 'copies of the archive made before')
    refused(run, harness.SIGN_IN, 'list', sim.archive, *old, names=('key file',))
    harness.same('items listed', len(run.exarch('list', sim.archive, '--json', *new).objects()), 3)
    run.exarch('verify', sim.archive, *new)
    run.archive(sim.written_profile, *new)
    harness.check(all(p.read_bytes().startswith(c) for p, c in segments.items()), 'no segment was written again')
    listed = run.exarch('key', 'list', sim.archive, '--json').objects()
    harness.same('keys', [(k['number'], k['kind']) for k in listed], [(2, 'passphrase')])


def keys_are_added_and_removed_but_for_the_last(run):
    sim = small(run)
    first = encrypted(run, sim)
    second = ('--key-file', run.dir / 'second')
    harness.contains('what it says', run.exarch('key', 'add', sim.archive, *first, '--new-key-file', second[1]).out,
                     'key 2', f'made key file {second[1]}', 'keep a copy')
    harness.same('mode of the key file', second[1].stat().st_mode & 0o777, 0o600)
    for key in first, second:
        run.exarch('list', sim.archive, *key)
    refused(run, harness.USAGE, 'key', 'add', sim.archive, *first, '--new-key-file', second[1], names=('key 2',))
    run.exarch('key', 'remove', sim.archive, 1, *second)
    refused(run, harness.SIGN_IN, 'list', sim.archive, *first)
    refused(run, harness.USAGE, 'key', 'remove', sim.archive, 2, *second, names=('last',))
    refused(run, harness.USAGE, 'key', 'remove', sim.archive, 1, *second, names=('no key 1',))
    harness.contains('the list of keys', run.exarch('key', 'list', sim.archive).out, '2', 'key-file', 'made 20')


def audited(run, archive, *key):
    events = run.exarch('audit', archive, '--json', *key).objects()
    harness.same('broken', events[-1]['broken'], 0)
    return [(e['action'], e['detail']) for e in events if e['event'] == 'audit']


def every_change_of_keys_is_in_the_record(run):
    archive, first, second = run.dir / 'archive', ('--key-file', run.dir / 'first'), ('--key-file', run.dir / 'second')
    third = ('--passphrase-file', private(run.dir / 'third', PASSPHRASE))
    run.exarch('init', archive, '--encrypt', *first)
    run.exarch('key', 'add', archive, *first, '--new-key-file', second[1])
    run.exarch('key', 'change', archive, *first, '--new-passphrase-file', third[1])
    for number, key in (9, third), (3, first):
        run.exarch('key', 'remove', archive, number, *key, expect={harness.USAGE, harness.SIGN_IN})
    run.exarch('key', 'remove', archive, 3, *third)  # the one that opens it
    run.exarch('key', 'remove', archive, 2, *second, expect=harness.USAGE)
    harness.same('the record', audited(run, archive, *second),
                 [('key add', 'key 2, a key file'), ('key change', 'key 3, a passphrase'), ('key remove', 'key 3')])


def a_change_of_keys_that_cannot_be_recorded_is_made_and_said(run):
    sim = small(run)
    first = encrypted(run, sim)
    run.spoils(sim.archive)
    (sim.archive / 'idx/data.mdb').write_bytes(b'no index')
    for args in (('add', *first, '--new-key-file', run.dir / 'second'),
                 ('change', *first, '--new-key-file', run.dir / 'third'),
                 ('remove', 2, '--key-file', run.dir / 'third')):
        told = run.exarch('key', args[0], sim.archive, *args[1:], expect=harness.INTEGRITY).err
        harness.contains(f'what key {args[0]} says', told, 'the keys were changed', 'exarch audit', 'idx')
    last = ('--key-file', run.dir / 'third')
    run.exarch('rebuild', sim.archive, *last)
    harness.same('items', len(run.exarch('list', sim.archive, '--json', *last).objects()), 3)
    harness.same('the record', audited(run, sim.archive, *last), [])


def one_damaged_keyring_is_mended_from_the_other(run):
    sim = small(run)
    key = encrypted(run, sim)
    good = (sim.archive / 'KEYRING').read_bytes()
    for name in 'KEYRING', 'KEYRING.copy':
        (sim.archive / name).write_bytes(good[:100] + b'?' + good[101:])
        run.exarch('list', sim.archive, *key)
        found = run.exarch('verify', sim.archive, *key, expect=harness.INTEGRITY)
        harness.contains('what verify says', found.err, name, 'key list')
        run.exarch('key', 'list', sim.archive)
        harness.same(f'{name} afterwards', (sim.archive / name).read_bytes(), good)
        run.exarch('verify', sim.archive, *key)
    for name in 'KEYRING', 'KEYRING.copy':
        (sim.archive / name).unlink()
    refused(run, harness.INTEGRITY, 'list', sim.archive, *key, names=('KEYRING', 'backup'))
    (sim.archive / 'KEYRING.copy').write_bytes(good)
    run.exarch('list', sim.archive, *key)
    run.exarch('key', 'list', sim.archive)


# ---- where keys come from ----


def the_environment_names_a_key_file(run):
    sim = small(run)
    run.exarch('init', sim.archive, '--encrypt', '--key-file', run.dir / 'key')
    named = {**os.environ, 'EXARCH_KEY_FILE': str(run.dir / 'key')}
    run.archive(sim.written_profile, env=named)
    run.exarch('list', sim.archive, env=named)
    other = private(run.dir / 'other', '0' * 64)
    refused(run, harness.SIGN_IN, 'list', sim.archive, '--key-file', other, env=named)
    run.exarch('init', run.dir / 'plain')
    run.exarch('list', run.dir / 'plain', env=named)


def the_profile_names_a_key_and_makes_an_encrypted_archive(run):
    sim = small(run)
    private(run.dir / 'contoso.key', '1' * 64 + '\n')
    profile = sim.profile(archive_key={'key_file': 'contoso.key'})
    run.archive(profile)
    run.archive(profile)
    refused(run, harness.SIGN_IN, 'list', sim.archive)
    harness.same('items', len(run.exarch('list', sim.archive, '--json', '--key-file', run.dir / 'contoso.key').objects()), 3)
    shown = run.exarch('config', 'show', profile).out
    harness.contains('config show', shown, str(run.dir / 'contoso.key'))
    harness.check('1' * 64 not in shown, 'config show prints no key')

    missing = sim.profile(name='missing.yaml', archive=str(run.dir / 'm'), archive_key={'key_file': 'nowhere.key'})
    refused(run, harness.USAGE, 'archive', missing, '--quiet', names=('nowhere.key',))
    refused(run, harness.USAGE, 'archive', sim.profile(name='new.yaml', archive=str(run.dir / 'm')), '--quiet', '--key-file',
            run.dir / 'contoso.key', names=('archive_key',))
    harness.check(not (run.dir / 'm').exists() and not (run.dir / 'nowhere.key').exists(), 'a run makes no key')


def a_key_for_an_archive_that_is_not_encrypted_is_refused(run):
    sim = small(run)
    run.archive(sim.written_profile)
    key = private(run.dir / 'key', '1' * 64)
    before = harness.tree_state(sim.archive)
    for args in (('archive', sim.profile(archive_key={'key_file': str(key)}), '--quiet'),
                 ('archive', sim.written_profile, '--quiet', '--key-file', key), ('list', sim.archive, '--key-file', key)):
        refused(run, harness.USAGE, *args, names=("isn't encrypted", str(key)))
    refused(run, harness.USAGE, 'key', 'list', sim.archive, names=("isn't encrypted",))
    refused(run, harness.USAGE, 'key', 'add', sim.archive, '--new-key-file', run.dir / 'new', names=("isn't encrypted",))
    refused(run, harness.USAGE, 'init', run.dir / 'x', '--key-file', run.dir / 'new', names=('--encrypt',))
    harness.same('the archive', harness.tree_state(sim.archive), before)
    harness.check(not (run.dir / 'new').exists() and not (run.dir / 'x').exists(), 'nothing was made')


def secrets_that_others_may_read_are_refused(run):
    archive = run.dir / 'archive'
    key, passphrase = private(run.dir / 'key', '1' * 64), private(run.dir / 'passphrase', PASSPHRASE)
    for path, option in (key, '--key-file'), (passphrase, '--passphrase-file'):
        if os.getuid() == 0:
            os.chown(path, 1, 1)  # a file of root's own may be readable by root's group
        for mode in 0o640, 0o604:
            path.chmod(mode)
            refused(run, harness.USAGE, 'init', archive, '--encrypt', option, path, names=(str(path), 'chmod 600'))
    harness.check(not archive.exists(), 'no archive was made')


def a_passphrase_has_eight_characters_and_one_line(run):
    archive = run.dir / 'archive'
    for text, names in (('', ('empty',)), ('\n', ('empty',)), ('seven77\n', ('at least 8',)), ('x' * 1025, ('1024', )),
                        ('x' * 2000, ('larger',)), (PASSPHRASE + '\nmore\n', ('more than one line',))):
        refused(run, harness.USAGE, 'init', archive, '--encrypt', '--passphrase-file', private(run.dir / 'p', text), names=names)
    refused(run, harness.USAGE, 'init', archive, '--encrypt', names=('terminal',))
    refused(run, harness.USAGE, 'init', archive, '--encrypt', '--key-file', 'a', '--passphrase-file', 'b', names=('both',))
    for words in ('--passphrase', PASSPHRASE), (f'--passphrase={PASSPHRASE}',), (f'--password={PASSPHRASE}',):
        told = refused(run, harness.USAGE, 'init', archive, '--encrypt', *words, names=('no option --pass',))
        harness.check(PASSPHRASE not in told.err, 'an error names no secret')
    harness.check(not archive.exists(), 'no archive was made')
    run.exarch('init', archive, '--encrypt', '--passphrase-file', private(run.dir / 'p', 'x' * 1024 + '\r\n'))


# ---- at a terminal ----


def a_passphrase_is_asked_for_and_never_shown(run):
    sim = small(run)
    terminal = Terminal(run, 'init', sim.archive, '--encrypt')
    terminal.answer('new passphrase for', PASSPHRASE)
    terminal.answer('the same again', PASSPHRASE)
    harness.contains('what is shown', terminal.end(harness.DONE), 'made encrypted archive', 'keep the passphrase')
    terminal = Terminal(run, 'archive', sim.written_profile, '--quiet')
    terminal.answer('passphrase of', PASSPHRASE)
    terminal.end(harness.DONE)
    terminal = Terminal(run, 'list', sim.archive)
    terminal.answer('passphrase of', PASSPHRASE)
    shown = terminal.end(harness.DONE)
    harness.contains('what is shown', shown, '3 items')
    harness.check(PASSPHRASE not in shown, 'the passphrase is not shown')
    terminal = Terminal(run, 'list', sim.archive)
    terminal.answer('passphrase of', PASSPHRASE[:-1])
    harness.contains('what is shown', terminal.end(harness.SIGN_IN), "doesn't open")


def what_is_typed_twice_must_be_the_same(run):
    for first, second, names in ((PASSPHRASE, PASSPHRASE + 'r', 'differ'), ('', None, 'nothing was typed'),
                                 ('short', None, 'at least 8')):
        terminal = Terminal(run, 'init', run.dir / 'archive', '--encrypt')
        terminal.answer('new passphrase for', first)
        if second:
            terminal.answer('the same again', second)
        harness.contains('what is shown', terminal.end(harness.USAGE), names)
        harness.check(not (run.dir / 'archive').exists(), 'no archive was made')


def signals_leave_the_terminal_as_it_was(run):
    run.exarch('init', run.dir / 'archive', '--encrypt', '--key-file', run.dir / 'key')
    for key, number in (('\x03', signal.SIGINT), ('\x1c', signal.SIGQUIT)):
        terminal = Terminal(run, 'list', run.dir / 'archive')
        terminal.wait_for('passphrase of')
        terminal.type('half a passphr' + key)
        terminal.end(-number)
    for number in signal.SIGTERM, signal.SIGHUP:
        terminal = Terminal(run, 'list', run.dir / 'archive')
        terminal.wait_for('passphrase of')
        harness.check(not terminal.echoes(), 'what is typed is not shown')
        terminal.process.send_signal(number)
        terminal.end(-number)
    terminal = Terminal(run, 'archive', small(run).profile(), '--quiet')
    terminal.wait_for('passphrase of')
    terminal.type('\x03')
    terminal.end(harness.STOPPED)
    terminal = Terminal(run, 'list', run.dir / 'archive')
    terminal.wait_for('passphrase of')
    terminal.type('\x1a')  # stops nothing here, where no shell could go on with it: it is asked again
    terminal.answer('passphrase of', PASSPHRASE)
    terminal.end(harness.SIGN_IN)


if __name__ == '__main__':
    harness.main(the_search_finds_words_in_every_form, nothing_of_the_mail_stands_in_any_file, with_its_key_every_verb_works,
                 without_a_key_nothing_but_bytes_can_be_verified, a_wrong_key_is_told_in_one_line,
                 a_changed_key_opens_and_the_old_one_no_longer_does, keys_are_added_and_removed_but_for_the_last,
                 every_change_of_keys_is_in_the_record, a_change_of_keys_that_cannot_be_recorded_is_made_and_said,
                 one_damaged_keyring_is_mended_from_the_other, the_environment_names_a_key_file,
                 the_profile_names_a_key_and_makes_an_encrypted_archive,
                 a_key_for_an_archive_that_is_not_encrypted_is_refused, secrets_that_others_may_read_are_refused,
                 a_passphrase_has_eight_characters_and_one_line, a_passphrase_is_asked_for_and_never_shown,
                 what_is_typed_twice_must_be_the_same, signals_leave_the_terminal_as_it_was,
                 short=(nothing_of_the_mail_stands_in_any_file, keys_are_added_and_removed_but_for_the_last))
