# SPDX-License-Identifier: Apache-2.0
"""What was archived is found: by its words and by what its head says, with an index and without one alike; and what is shown of
it is safe."""
import os
import pty
import re
import signal
import subprocess

import harness
import mail

from harness import check, contains, same

ESCAPE = '\x1b[31m'


def head(subject, who='Ben Okafor <ben@fabrikam.example>', to='anna@sim.example', date='Mon, 02 Mar 2026 09:00:00 +0000', more=''):
    return f'Subject: {subject}\r\nFrom: {who}\r\nTo: {to}\r\nDate: {date}\r\nMIME-Version: 1.0\r\n{more}'


def part(kind, body, more=''):
    return f'--B\r\nContent-Type: {kind}\r\n{more}\r\n{body}\r\n'


MIXED = 'Content-Type: multipart/mixed; boundary=B\r\n\r\n'
MAILS = {
    'anna/Inbox/latin.eml': head('=?iso-8859-1?Q?Gr=FC=DFe_aus_K=F6ln?=') +
    'Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nEin sch=F6ner Stra=DFenname\r\n',
    'anna/Inbox/japanese.eml': head('=?iso-2022-jp?B?GyRCNUE5ZCROOCsbKEI=?=') +
    'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n5p2x5Lqs6YO95bqB44Gr6KGM44GN44G+44GX44Gf\r\n',
    'anna/Inbox/html.eml': head('table of prices') + 'Content-Type: text/html; charset=utf-8\r\n\r\n'
    '<html><head><style>.hidden{}</style></head><table><tr><td>apple</td><td>pear</td></tr></table>'
    '<script>scripted()</script><p>caf&eacute;</p></html>\r\n',
    'anna/Projects/files.eml': head('with files', who='"M=?utf-8?q?=C3=BC?=ller" <zoe@fabrikam.example>',
                                    to='anna@sim.example, carl@fabrikam.example') + MIXED + part('text/plain', 'see below') +
    part('text/csv; charset=utf-8', 'ledger;violoncello', "Content-Disposition: attachment; filename*=utf-8''Bilanz%20f%C3%BCr%20M%C3%A4rz.csv\r\n") +
    part('application/pdf', '%PDF-1.4', 'Content-Disposition: attachment; filename="offer.pdf"\r\n') +
    part('message/rfc822', 'Subject: forwarded inside\r\nContent-Type: text/plain\r\n\r\nthe bassoon of the inner letter') + '--B--\r\n',
    'bert/Inbox/old.eml': head('Invoice 2019 [EXT]', date='Tue, 05 Mar 2019 09:00:00 +0000',
                               more='Message-ID: <old-1@fabrikam.example>\r\nCc: legal@contoso.example\r\n') + '\r\nplease pay the invoice now\r\n',
    'bert/Inbox/big.eml': head('a big one') + '\r\n' + 'padding words of no interest\r\n' * 4000,
    'bert/Inbox/evil.eml': head(f'=?utf-8?q?invoice_=1B[31m_=E2=80=AEgpj=07?=', who=f'=?utf-8?q?=1B]0;owned=07?= <x@evil.example>') +
    'Content-Type: text/plain; charset=utf-8\r\n\r\n' + f'evil {ESCAPE}body\x07 with \x9b31m controls\r\n',
}
SUBJECTS = {'latin': 'Grüße aus Köln', 'html': 'table of prices', 'files': 'with files', 'old': 'Invoice 2019 [EXT]', 'big': 'a big one'}

# (arguments, the mails that match)
SELECTIONS = [
    ([], 'latin japanese html files old big evil'),
    (['--mailbox', 'anna@*'], 'latin japanese html files'),
    (['--folder', '/Projects'], 'files'),
    (['--subject', 'INVOICE'], 'old evil'),
    (['--subject', 'grusse'], 'latin'),
    (['--subject', 'grüsse'], 'latin'),
    (['--subject', 'koln'], 'latin'),
    (['--subject', '[ext]'], 'old'),
    (['--subject', 'invoice*ext'], 'old'),
    (['--subject', '=with files'], 'files'),
    (['--subject', 're:^a .*one$'], 'big'),
    (['--sender', 'muller'], 'files'),
    (['--recipient', 'legal@'], 'old'),
    (['--recipient', 'carl'], 'files'),
    (['--message-id', '<old-1@fabrikam.example>'], 'old'),
    (['--attachment', 'bilanz'], 'files'),
    (['--attachment', '=offer.pdf'], 'files'),
    (['--has-attachment'], 'files'),
    (['--size', '>50kB'], 'big'),
    (['--size', '<1KiB', '--subject', 'invoice'], 'old evil'),
    (['--size', '100kB..1MB'], 'big'),
    (['--class', 'mail', '--mailbox', 'bert@*'], 'old big evil'),
    (['--class', 'contact'], ''),
    (['--class', 'IPM.Note', '--folder', '/Projects'], 'files'),
    (['--text', 'invoice pay'], 'old'),
    (['--text', 'subject:invoice', '--sender', 'evil'], 'evil'),
]
WORDS = [
    ('strassenname', 'latin'), ('Straßenname', 'latin'), ('schoner', 'latin'), ('koln', 'latin'),
    ('京都', 'japanese'), ('東京都庁', 'japanese'), ('行', 'japanese'), ('東都', ''),
    ('apple pear', 'html'), ('applepear', ''), ('cafe', 'html'), ('scripted', ''), ('hidden', ''),
    ('violoncello', 'files'), ('file:violoncello', 'files'), ('body:violoncello', ''), ('attachment:märz', 'files'), ('bassoon', 'files'),
    ('"forwarded inside"', 'files'), ('from:zoe', 'files'), ('to:carl', 'files'), ('invoice', 'old evil'), ('invoice -pay', 'evil'),
    ('bassoon OR violoncello OR cafe', 'files html'), ('padd*', 'big'), ('padd', ''), ('fabrikam.example', 'latin japanese html files old big'),
]
HOSTILE = ['"', '""', '*', '(', ')', 'NEAR(a b, 1', 'a AND', 'OR', 'NOT', 'subject:', '{subject}:invoice', "'; DROP TABLE words; --",
           'invoice" OR "x', '^invoice', 'a:b:c', '\\', '%', 'x' * 3000, '- - -', 'é' * 40, '\u202e\u200b', '\x01\x02']


def archived(run, *extra, **changes):
    folder = mail.write(run.dir / 'mail', {path: text.encode() for path, text in MAILS.items()})
    sim = run.simulator('--mail', folder)
    profile = sim.profile(**changes)
    run.archive(profile, *extra)
    return sim, profile


def names(run, archive):
    """{number: name of the mail}"""
    return {o['number']: match_name(o) for o in run.exarch('list', archive, '--json').objects()}


def match_name(item):
    for name, subject in SUBJECTS.items():
        if item['subject'] == subject:
            return name
    return 'evil' if 'gpj' in item['subject'] else 'japanese'


def found(run, known, *args):
    return {known[o['number']] for o in run.exarch(args[0], '--json', *args[1:]).objects()}


def look_everywhere(run, archive):
    known = names(run, archive)
    same('mails that are known', set(known.values()), {path.split('/')[-1][:-4] for path in MAILS})
    for args, expected in SELECTIONS:
        same(f'list {args}', found(run, known, 'list', archive, *args), set(expected.split()))
    for words, expected in WORDS:
        same(f'search {words}', found(run, known, 'search', archive, '--all', '--', words), set(expected.split()))
    return known


def what_is_asked_for_is_found_with_an_index_and_without(run):
    sim, _ = archived(run)
    look_everywhere(run, sim.archive)
    contains('search without an index', run.exarch('search', sim.archive, 'invoice').err, 'no search index', 'exarch index')
    run.exarch('index', sim.archive)
    known = look_everywhere(run, sim.archive)
    same('what search says with an index', run.exarch('search', sim.archive, 'invoice').err, '')
    number = next(n for n, name in known.items() if name == 'old')
    item = run.exarch('list', sim.archive, '--id', number, '--json').objects()[0]
    same('by item id', found(run, known, 'list', sim.archive, '--item-id', item['item_id']), {'old'})
    for key, pick in (('date', lambda o: o['received']), ('size', lambda o: o['bytes']), ('number', lambda o: o['number'])):
        up = [pick(o) for o in run.exarch('list', sim.archive, '--sort', key, '--json').objects()]
        same(f'sorted by {key}', up, sorted(up))
        down = [pick(o) for o in run.exarch('list', sim.archive, '--sort', f'-{key}', '--limit', 3, '--json').objects()]
        same(f'sorted by {key}, the last first', down, sorted(up, reverse=True)[:3])
    same('the count', run.exarch('list', sim.archive, '--subject', 'invoice', '--count').out, '2\n')


def an_index_follows_the_archive(run):
    sim, profile = archived(run, search=True)
    check((sim.archive / 'search/search.db').exists(), 'a profile with `search: true` makes an index')
    known = names(run, sim.archive)
    for words, expected in WORDS[:4]:
        same(f'search {words}', found(run, known, 'search', sim.archive, words), set(expected.split()))
    objects = run.exarch('index', sim.archive, '--json').objects()
    same('what is left for `exarch index` to do', [objects[-1][k] for k in ('items', 'added', 'removed', 'finished')], [7, 0, 0, True])
    path = sim.archive / 'search/search.db'
    path.write_bytes(path.read_bytes()[:40_000] + b'\xff' * 100_000)
    result = run.exarch('search', sim.archive, '--json', 'violoncello')
    same('hits with a damaged index', {known[o['number']] for o in result.objects()}, {'files'})
    contains('search with a damaged index', result.err, 'search index', 'exarch index')
    contains('index of a damaged one', run.exarch('index', sim.archive).err, 'made anew')
    same('hits afterwards', found(run, known, 'search', sim.archive, 'violoncello'), {'files'})
    run.exarch('index', sim.archive, '--remove')
    check(not path.exists(), '`exarch index --remove` removes it')


def an_index_that_was_killed_gives_no_wrong_answer(run):
    sim = run.simulator('--generate', '1x150', '--mean-size', 'small')
    run.archive(sim.profile())
    expected = {o['number'] for o in run.exarch('search', sim.archive, '--all', '--json', 'the').objects()}
    check(len(expected) > 5, 'the generated mail has its words')
    for _ in range(2):
        process = run.start('index', sim.archive)
        process.signal(signal.SIGKILL)
        process.end({-signal.SIGKILL, 0})
        same('hits', {o['number'] for o in run.exarch('search', sim.archive, '--all', '--json', 'the').objects()}, expected)
    run.exarch('index', sim.archive)
    same('hits', {o['number'] for o in run.exarch('search', sim.archive, '--all', '--json', 'the').objects()}, expected)


def what_is_written_can_not_be_syntax_and_errors_name_the_option(run):
    sim, _ = archived(run)
    run.exarch('index', sim.archive)
    for words in HOSTILE:
        result = run.exarch('search', sim.archive, '--', words, expect={harness.DONE, harness.USAGE})
        if result.err:
            contains(f'search {words!r}', result.err, 'exarch: ')
            check('fts5' not in result.err and 'syntax error' not in result.err, f'search {words!r}: {result.err}')
    for args, words in ((['--since', 'soon'], ['--since', '30d']), (['--size', '10'], ['--size', '>10MB']), (['--sort', 'colour'], ['--sort', 'subject']),
                        (['--subject', ''], ['--subject']), (['--subject', 're:('], ['--subject']), (['--limit', '0'], ['--limit']),
                        (['--text', '-x'], ['--text']), (['--id', 'x'], ['--id']), (['--folder', 're:['], ['--folder'])):
        contains(f'list {args}', run.exarch('list', sim.archive, *args, expect=harness.USAGE).err, *words)
    for span in ('30d', '3 months', '2026-01', '2026', 'today', 'yesterday', '2026-03-01T00:00:00Z'):
        run.exarch('list', sim.archive, '--since', span)
    same('since 2026-01', run.exarch('list', sim.archive, '--since', '2026-01', '--before', '2026-02', '--count').out, '0\n')
    same('before 2020', run.exarch('list', sim.archive, '--before', '2020', '--count').out, '1\n')


def terminal(*args):
    """What exarch prints on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([harness.EXARCH, *map(str, args)], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                               env={**os.environ, 'TERM': 'xterm'})
    os.close(theirs)
    out = b''
    try:
        while chunk := os.read(ours, 65536):
            out += chunk
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    return process.wait(), out.decode('utf-8', 'replace')


def nothing_of_a_mail_controls_a_terminal(run):
    sim, _ = archived(run)
    run.exarch('index', sim.archive)
    number = next(n for n, name in names(run, sim.archive).items() if name == 'evil')
    for args in (['list', sim.archive], ['search', sim.archive, 'invoice'], ['search', sim.archive, 'evil'], ['show', sim.archive, number],
                 ['show', sim.archive, number, '--raw'], ['show', sim.archive, number, '--headers']):
        code, out = terminal(*args)
        same(f'exit code of {args}', code, harness.DONE)
        plain = out.replace('\x1b[1m', '').replace('\x1b[22m', '')  # ours: what was found is bright
        bad = re.findall('[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]', plain)
        check(not bad, f'{args} printed {bad} on a terminal')
    check('\x1b[1m' in terminal('search', sim.archive, 'pay')[1], 'what was found is bright')
    raw = run.exarch('show', sim.archive, number, '--raw').out_bytes
    same('raw bytes into a pipe', raw, MAILS['bert/Inbox/evil.eml'].encode())


def attachments_come_out_as_they_were_sent(run):
    sim, _ = archived(run)
    number = next(n for n, name in names(run, sim.archive).items() if name == 'files')
    shown = run.exarch('show', sim.archive, number).out
    contains('show', shown, '1. Bilanz für März.csv (text/csv, 18 bytes)', '2. offer.pdf', '3. forwarded inside (message/rfc822', 'see below')
    same('the first', run.exarch('show', sim.archive, number, '--attachment', 1).out, 'ledger;violoncello')
    to = run.dir / 'offer.pdf'
    run.exarch('show', sim.archive, number, '--attachment', 2, '--to', to)
    same('the second, in a file', (to.read_bytes(), to.stat().st_mode & 0o777), (b'%PDF-1.4', 0o600))
    contains('a file that exists', run.exarch('show', sim.archive, number, '--attachment', 1, '--to', to, expect=harness.FAILED).err, '--to')
    same('it stays', to.read_bytes(), b'%PDF-1.4')
    contains('the fourth', run.exarch('show', sim.archive, number, '--attachment', 4, '--to', run.dir / 'no', expect=harness.USAGE).err, '4', '3')
    check(not (run.dir / 'no').exists(), 'no file is left of what is not there')
    code, out = terminal('show', sim.archive, number, '--attachment', 2)
    same('on a terminal', code, harness.USAGE)
    contains('on a terminal', out, '--to FILE')


def words_of_what_expired_leave_the_index(run):
    sim, _ = archived(run, search=True)
    database = sim.archive / 'search/search.db'
    same('hits before', run.exarch('search', sim.archive, 'pay', '--count').out, '1\n')
    policy = run.dir / 'policy.yaml'
    policy.write_text('{"version": 1, "rules": [{"name": "all", "keep": "3 years"}]}')
    check(b'old-1@fabrikam' in database.read_bytes(), 'the index has what the mail says')
    run.exarch('expire', sim.archive, '--policy', policy, '--yes')
    run.exarch('compact', sim.archive, '--all')
    same('hits afterwards', run.exarch('search', sim.archive, 'pay', '--count').out, '0\n')
    check(b'old-1@fabrikam' not in database.read_bytes(), 'nothing of it is left in the file')
    same('others are found', run.exarch('search', sim.archive, 'violoncello', '--count').out, '1\n')
    run.verify(sim.archive)


def what_can_not_be_read_is_told_and_not_left_out(run):
    sim, _ = archived(run)
    run.spoils(sim.archive)
    segment = next(sim.archive.glob('seg/*/*.xseg'))
    whole = segment.read_bytes()
    spoilt = bytearray(whole)
    for at in range(64 + 64, len(spoilt) - 256, 97):  # what messages are made of, and not the segment's own header
        spoilt[at] ^= 0x40
    segment.write_bytes(spoilt)
    result = run.exarch('index', sim.archive, expect=harness.INTEGRITY)
    contains('index', result.err, 'item 1 is damaged')
    contains('search', run.exarch('search', sim.archive, 'invoice').err, 'damaged', 'exarch verify')
    same('what list shows', len(run.exarch('list', sim.archive, '--subject', 'nobody has this', '--json', expect=harness.INTEGRITY).objects()), len(MAILS))
    segment.write_bytes(whole)
    same('index of what came back', run.exarch('index', sim.archive).err, '')
    same('hits', run.exarch('search', sim.archive, 'violoncello', '--count').out, '1\n')


def an_encrypted_archive_gets_an_index_only_by_consent(run):
    folder = mail.write(run.dir / 'mail', {path: text.encode() for path, text in MAILS.items()})
    sim = run.simulator('--mail', folder)
    key = run.dir / 'key'
    run.exarch('init', sim.archive, '--encrypt', '--key-file', key)
    profile = sim.profile(search=True, archive_key={'key_file': str(key)})
    result = run.exarch('archive', profile)
    contains('archive with `search: true`', result.err, 'search index', '--in-clear')
    contains('index', run.exarch('index', sim.archive, '--key-file', key, expect=harness.USAGE).err, 'in clear', '--in-clear')
    check(not list(sim.archive.rglob('search.db')), 'no index without consent')
    found_without = run.exarch('search', sim.archive, '--key-file', key, '--json', 'violoncello').objects()
    same('hits without an index', len(found_without), 1)
    run.exarch('index', sim.archive, '--in-clear', '--key-file', key)
    same('hits with an index', run.exarch('search', sim.archive, '--key-file', key, '--json', 'violoncello').objects()[0]['number'],
         found_without[0]['number'])
    same('asked once', run.exarch('index', sim.archive, '--key-file', key).err, '')


if __name__ == '__main__':
    harness.main(what_is_asked_for_is_found_with_an_index_and_without, an_index_follows_the_archive,
                 an_index_that_was_killed_gives_no_wrong_answer, what_is_written_can_not_be_syntax_and_errors_name_the_option,
                 nothing_of_a_mail_controls_a_terminal, attachments_come_out_as_they_were_sent, words_of_what_expired_leave_the_index,
                 what_can_not_be_read_is_told_and_not_left_out, an_encrypted_archive_gets_an_index_only_by_consent,
                 short=(an_index_follows_the_archive, nothing_of_a_mail_controls_a_terminal))
