# SPDX-License-Identifier: Apache-2.0
"""The command line: help, words that are wrong, output for programs."""
import pathlib
import sqlite3
import ssl
import subprocess
import zlib

import harness
import mail

VERBS = {'init': 1, 'config check': 1, 'config show': 1, 'mailboxes': 1, 'folders': 2, 'archive': 1, 'list': 1, 'show': 2,
         'export': 1, 'verify': 1, 'rebuild': 1, 'key list': 1, 'key add': 1, 'key change': 1, 'key remove': 2, 'bench': 1,
         'runs': 1, 'check': 1, 'setup': 0}


def begin(run):
    sim = run.simulator('--mail', mail.write(run.dir / 'mail', {
        'anna/Inbox/one.eml': mail.message('one', date='Mon, 02 Mar 2026 09:00:00 +0000'),
        'anna/Inbox/Sub/two.eml': mail.message('two', date='Tue, 03 Mar 2026 09:00:00 +0000'),
        'bert/Sent Items/three.eml': mail.message('three', date='Wed, 04 Mar 2026 09:00:00 +0000')}))
    return sim


def archived(run):
    sim = begin(run)
    run.archive(sim.written_profile)
    return sim


def every_verb_has_help(run):
    overview = run.exarch('help').out
    for verb in VERBS:
        harness.contains('the overview', overview, f'exarch {verb}')
        words = verb.split()
        harness.contains(f'help {verb}', run.exarch('help', words[0]).out, f'exarch {verb}')
        told = run.exarch(*words, '--help')
        harness.contains(f'{verb} --help', told.out, f'exarch {verb}')
        harness.same(f'{verb} --help on stderr', told.err, '')
    harness.contains('the overview', overview, 'exit codes')


def wrong_words_are_named(run):
    for args, names in ((('arhcive', 'x'), ("'arhcive'", 'exarch help')),
                        (('list', '--jsn', 'x'), ('--jsn', 'exarch help list')),
                        (('archive', '--threads', 'many', 'x'), ()),
                        (('list',), ('list ARCHIVE',)),
                        (('list', 'a', 'b'), ("'b'", 'too many')),
                        (('export', 'a'), ('--to',)),
                        (('export', 'a', '--to', 'b', '--format', 'pst'), ('pst', 'eml')),
                        (('verify', 'a', '--level', 'deep'), ("'deep'", 'messages')),
                        (('list', 'a', '--since', 'whenever'), ('--since', 'whenever')),
                        (('list', 'a', '--mailbox', 're:('), ('--mailbox', 're:(')),
                        (('list', 'a', '--limit'), ('--limit', 'value')),
                        (('init', 'a', '--compression', 'lzma'), ('lzma', 'zstd')),
                        (('help', 'nothing'), ("'nothing'",))):
        result = run.exarch(*args, expect=harness.USAGE, cwd=run.dir)
        harness.same(f'{result}: stdout', result.out, '')
        harness.check(len(result.err.splitlines()) == 1, f'{result}: one line: {result.err}')
        harness.contains(f'{result}: the error', result.err, *names)
    harness.check(not any(p.name in 'ab' for p in run.dir.iterdir()), 'nothing was made')


def the_version_is_printed(run):
    told = run.exarch('version').out
    harness.check(told.startswith('exarch ') and told.split()[1][0].isdigit(), f'version: {told}')
    harness.same('--version', run.exarch('--version').out, told)
    harness.same('--json', run.exarch('version', '--json').objects(), [{'version': told.split()[1]}])


def the_build_is_told(run):
    """As text and as JSON the same; what runs is what the dynamic linker found, and the format that of a new archive."""
    build, = run.exarch('version', '--build', '--json').objects()
    run.exarch('init', run.dir / 'archive')
    written = (run.dir / 'archive' / 'FORMAT').read_text().split()[1]
    harness.same('the format it writes', build['writes_format'], written)
    harness.same('the format it reads', build['reads_format'], written.split('.')[0] + '.x')
    harness.same('the processor has', [word for word in build['processor'] if word.lower().replace('.', '_') not in
                                       pathlib.Path('/proc/cpuinfo').read_text().replace('sha_ni', 'sha').split()], [])
    libraries = {library['name']: library['running'] for library in build['libraries']}
    harness.same('SQLite', libraries['SQLite'], sqlite3.sqlite_version)
    harness.same('OpenSSL', libraries['OpenSSL'], ssl.OPENSSL_VERSION.split()[1])
    harness.same('zlib', libraries['zlib'], zlib.ZLIB_RUNTIME_VERSION)
    lines = run.exarch('version', '--build').out.splitlines()
    for key, value in build.items():
        line = next(line for line in lines if line.split()[0] == key)
        if key != 'libraries':
            harness.same(key, line[16:], value if isinstance(value, str) else ', '.join(value) or 'none')
    harness.same('libraries', {line.split()[0]: line.split()[2] for line in lines if line.startswith('  ')}, libraries)


def json_is_one_object_a_line(run):
    sim = archived(run)
    for args in (('archive', sim.written_profile), ('mailboxes', sim.written_profile),
                 ('folders', sim.written_profile, 'anna@sim.example'), ('list', sim.archive), ('verify', sim.archive),
                 ('export', sim.archive, '--to', run.dir / 'out')):
        result = run.exarch(*args, '--json')
        harness.check(result.objects(), f'{result}: says something')
        harness.same(f'{result}: stderr', result.err, '')


def selections_select(run):
    sim = archived(run)
    everything = run.exarch('list', sim.archive, '--json').objects()
    numbers = {item['subject']: item['number'] for item in everything}
    for selection, expected in ((('--mailbox', 'bert*'), ['three']), (('--folder', '/Inbox'), ['one']),
                                (('--folder', '/Inbox/**'), ['two']), (('--folder', 're:inbox'), ['one', 'two']),
                                (('--since', '2026-03-03'), ['three', 'two']), (('--before', '2026-03-03'), ['one']),
                                (('--since', '2026-03-03', '--before', '2026-03-04T00:00:00Z'), ['two']),
                                (('--id', numbers['one'], '--id', numbers['three']), ['one', 'three']),
                                (('--mailbox', 'nobody@*'), [])):
        listed = sorted(i['subject'] for i in run.exarch('list', sim.archive, '--json', *selection).objects())
        harness.same(f'listed with {selection}', listed, expected)
        to = run.dir / ('out' + str(abs(hash(selection))))
        run.exarch('export', sim.archive, '--to', to, *selection)
        harness.same(f'files exported with {selection}', len(list(to.rglob('*.eml'))), len(expected))
    harness.same('with --limit 2', len(run.exarch('list', sim.archive, '--json', '--limit', 2).objects()), 2)


def show_is_for_people_and_safe_on_a_terminal(run):
    evil = mail.message('=?utf-8?B?' + 'G1sybWV2aWwbXTA7dGl0bGUH' + '?=', body='red: \x1b[31m\r\n')
    sim = run.simulator('--mail', mail.write(run.dir / 'mail', {'anna/Inbox/evil.eml': evil}))
    run.archive(sim.written_profile)
    number = run.exarch('list', sim.archive, '--json').objects()[0]['number']
    for args in (('list', sim.archive), ('show', sim.archive, number)):
        result = run.exarch(*args)
        harness.check(b'\x1b' not in result.out_bytes and b'\x07' not in result.out_bytes, f'{result}: no control character')
    shown = run.exarch('show', sim.archive, number, '--raw')
    harness.same('--raw', shown.out_bytes, evil)
    headers = run.exarch('show', sim.archive, number, '--headers').out_bytes
    harness.same('--headers', headers, evil[:evil.index(b'\r\n\r\n') + 4])


def config_show_can_be_loaded_again(run):
    sim = begin(run)
    other = sim.profile('secret.yaml', 'secret', filters={'older_than': '3 months'},
                        run={'threads': 7, 'batch_bytes': '4 MiB'})
    for number, profile in enumerate((sim.written_profile, other)):
        run.exarch('config', 'check', profile)
        shown = run.exarch('config', 'show', profile).out
        again = run.dir / f'again-{number}.yaml'
        again.write_text(shown)
        run.exarch('config', 'check', again)
        harness.same(f'config show of what it showed of {profile.name}', run.exarch('config', 'show', again).out, shown)


def quiet_says_nothing_when_all_is_well(run):
    sim = begin(run)
    result = run.exarch('archive', sim.written_profile, '--quiet')
    harness.same('output', (result.out, result.err), ('', ''))


def a_closed_output_is_a_failure(run):
    sim = archived(run)
    with open('/dev/full', 'wb') as full:
        done = subprocess.run([harness.EXARCH, 'list', sim.archive], stdout=full, stderr=subprocess.PIPE)
    harness.same('exit code with a full disk behind stdout', done.returncode, harness.FAILED)
    harness.contains('stderr', done.stderr.decode(), 'standard output')


if __name__ == '__main__':
    harness.main(every_verb_has_help, wrong_words_are_named, the_version_is_printed, the_build_is_told,
                 json_is_one_object_a_line, selections_select, show_is_for_people_and_safe_on_a_terminal, config_show_can_be_loaded_again,
                 quiet_says_nothing_when_all_is_well, a_closed_output_is_a_failure)
