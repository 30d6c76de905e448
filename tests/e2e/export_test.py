# SPDX-License-Identifier: Apache-2.0
"""Exports are read back by programs that nobody here wrote: Python's mailbox module, Dovecot, notmuch, sha256sum. With EXARCH_MAIL
set to a folder of mail (mailbox/folder/*.eml), it is that mail instead of the project's own."""
import collections
import json
import os
import pathlib
import shutil
import signal

import harness
import mail
import mail_readers

MAIL = pathlib.Path(os.environ.get('EXARCH_MAIL', harness.FIXTURES / 'mail'))
FORMATS = {'eml': [], 'mbox': ['--format', 'mbox'], 'maildir': ['--format', 'maildir'],
           'nested': ['--format', 'maildir', '--layout', 'nested'], 'flat-eml': ['--flat'],
           'flat-mbox': ['--format', 'mbox', '--flat'], 'flat-maildir': ['--format', 'maildir', '--flat']}


def served():
    """Counter of the SHA-256 of every message, by the files themselves."""
    found = collections.Counter()
    for (_, _, digest), count in collections.Counter(mail.of_files(MAIL)).items():
        found[digest] += count
    return found


def archived(run):
    sim = run.simulator('--mail', MAIL)
    run.archive(sim.written_profile)
    sim.stop()
    return sim.archive


def export(run, archive, name, *more, expect=harness.DONE):
    to = run.dir / name
    done = run.exarch('export', archive, '--to', to, '--json', *FORMATS[name], *more, expect=expect)
    return to, done


def check_manifest(to, expected):
    lines = mail_readers.manifest(to)
    harness.same_multiset(f'messages in the manifest of {to.name}', collections.Counter(x['sha256'] for x in lines), expected)
    harness.same('items named once', len({x['item'] for x in lines}), len(lines))
    mail_readers.sums_are_right(to)
    mail_readers.files_with_sums(to)
    return lines


def hashes(messages):
    return collections.Counter(harness.sha256(m) for m in messages)


def python_and_sha256sum_read_all_formats(run):
    archive, expected = archived(run), served()
    for name in FORMATS:
        to, _ = export(run, archive, name)
        lines = check_manifest(to, expected)
        harness.check(not (to / 'exarch.tmp').exists(), 'the workshop is gone')
        if 'eml' in name:
            harness.same_multiset(name, hashes(p.read_bytes() for p in to.rglob('*.eml')), expected)
        elif 'mbox' in name:
            boxes = mail_readers.python_mbox(to)
            of_path = collections.defaultdict(list)
            for line in sorted(lines, key=lambda x: x['offset']):
                of_path[line['path']].append(line)
            harness.same('mboxes', set(boxes), set(of_path))
            for path, messages in boxes.items():
                harness.same(f'messages in {path}', len(messages), len(of_path[path]))
                for message, line in zip(messages, of_path[path]):
                    found = mail_readers.unquoted(message)[:line['bytes']]
                    harness.same(f'item {line["item"]} in {path}', harness.sha256(found), line['sha256'])
        else:
            found = [m for folder in mail_readers.maildirs(to) for m in mail_readers.python_maildir(folder)]
            harness.same_multiset(name, hashes(m for m, _ in found), expected)
    unread = sum('unread' in p.name for p in MAIL.rglob('*.eml'))
    harness.same('messages without the flag S', sum('S' not in flags for _, flags in found), unread)


def quoted(content):
    return mail_readers.re.sub(rb'(?m)^(>*From )', rb'>\1', content)


def dovecot_reads_maildirs_and_mboxes(run):
    if not mail_readers.has_dovecot():
        raise harness.Skip('needs dovecot-imapd')
    archive = archived(run)
    by_hash = {harness.sha256(mail.as_served(p.read_bytes())): mail.as_served(p.read_bytes()) for p in MAIL.rglob('*.eml')}
    wanted = collections.defaultdict(collections.Counter)
    to, _ = export(run, archive, 'maildir')
    for line in mail_readers.manifest(to):
        digest = harness.sha256(mail_readers.imap_bytes(by_hash[line['sha256']]))
        wanted[line['mailbox'], folder_for_imap(line['folder'])][digest] += 1
    for name, where in (('maildir', 'maildir:{}'), ('nested', 'maildir:{}:LAYOUT=fs:UTF-8:INBOX={}/INBOX')):
        to, _ = export(run, archive, name, '--update')
        for box in [p for p in to.iterdir() if p.is_dir()]:
            session = mail_readers.Dovecot(run.dir / f'dovecot-{name}-{box.name}', box, where)
            found = {f: hashes(m for m, _ in session.messages(f)) for f in session.folders()}
            session.close()
            found = {(box.name, imap_name(f)): c for f, c in found.items() if c}
            harness.same(f'folders of {box.name} in {name}', set(found), {k for k in wanted if k[0] == box.name})
            for key, counter in found.items():
                harness.same_multiset(f'{key} in {name}', counter, wanted[key])


    to, _ = export(run, archive, 'flat-mbox')
    session = mail_readers.Dovecot(run.dir / 'dovecot-mbox', to, 'mbox:{}/none:INBOX={}/mail.mbox')
    found = [m for m, _ in session.messages('INBOX')]
    session.close()
    lines = sorted(mail_readers.manifest(to), key=lambda x: x['offset'])
    harness.same('messages that Dovecot finds in the mbox', len(found), len(lines))
    for message, line in zip(found, lines):
        expected = mail_readers.without_mbox_fields(mail_readers.imap_bytes(quoted(by_hash[line['sha256']])))
        harness.check(message.rstrip(b'\r\n') == expected.rstrip(b'\r\n'),
                      f'item {line["item"]} in the mbox: {len(message)} bytes, should be {len(expected)}')


def folder_for_imap(path):
    """A folder's path as the export names it; '.' separates in Maildir++, so it stands in no name."""
    return harness.plain_folder(path).replace('.', '_').lower().strip('/')


def imap_name(name):
    """From modified UTF-7."""
    decoded = mail_readers.re.sub(r'&([^-]*)-', lambda m: '&' if not m.group(1) else mail_readers.re.sub(
        '^', '', ('+' + m.group(1).replace(',', '/') + '-').encode().decode('utf-7')), name)
    return folder_for_imap('/' + decoded)


def notmuch_takes_every_maildir_file_that_is_mail(run):
    if shutil.which('notmuch') is None:
        raise harness.Skip('needs notmuch')
    to, _ = export(run, archived(run), 'maildir')
    taken = {str(pathlib.Path(p).relative_to(to)) for p in mail_readers.notmuch_files(run.dir, to)}
    files = [p for folder in mail_readers.maildirs(to) for p in (folder / 'cur').iterdir()]
    verdicts = {str(p.relative_to(to)): mail_readers.looks_like_mail(p.read_bytes()) for p in files}
    wanted = {name for name, verdict in verdicts.items() if verdict or (verdict is None and name in taken)}
    print(f'# notmuch took {len(taken)} of {len(files)} files; {sum(v is None for v in verdicts.values())} have malformed headers')
    harness.same('files that notmuch took and should not, or the other way', sorted(taken ^ wanted), [])


def an_update_writes_what_is_missing_in_every_format(run):
    archive, expected = archived(run), served()
    for name in FORMATS:
        to, _ = export(run, archive, name, '--folder', '/Inbox')
        few = len(mail_readers.manifest(to))
        harness.check(0 < few < sum(expected.values()), 'a part is exported')
        refused = export(run, archive, name, expect=harness.USAGE)[1]
        harness.check('--update' in refused.err, f'the refusal names the remedy: {refused.err}')
        few = len(mail_readers.manifest(to))  # what it came across before is written
        done = export(run, archive, name, '--update')[1].objects()[-1]
        harness.same(f'skipped in {name}', done['skipped'], few)
        harness.same(f'written in {name}', done['items'], sum(expected.values()) - few)
        check_manifest(to, expected)
        before = harness.tree_state(to)
        harness.same(f'written by a second update of {name}', export(run, archive, name, '--update')[1].objects()[-1]['items'], 0)
        harness.same(f'{name} after an update without news', harness.tree_state(to), before)


def a_killed_export_is_continued_and_nothing_is_half_there(run):
    sim = run.simulator('--generate', '2x400', '--mean-size', 'small', '--seed', '5')
    run.archive(sim.written_profile)
    sim.stop()
    listed = [json.loads(line) for line in run.exarch('list', sim.archive, '--json').out.splitlines()]
    harness.same('items', len(listed), 800)
    for name in ('eml', 'mbox', 'maildir'):
        to = run.dir / name
        rounds = killed = 0
        for written in (1, 3, 40, 90):
            process = run.start('export', sim.archive, '--to', to, '--update', '--threads', 2, *FORMATS[name])
            journal = to / 'exarch.tmp/items.jsonl'
            grown = wait_until_written(journal, written, process)
            process.signal(signal.SIGKILL)
            code = process.end().code
            rounds, killed = rounds + 1, killed + (code == -signal.SIGKILL and grown)
            for path in to.rglob('*.eml'):
                harness.check(path.stat().st_size > 0, f'{path.name} is whole')
            harness.check(not list(to.rglob('*.mbox')) or name == 'mbox' and code == 0, 'no mbox has its name before its end')
        export(run, sim.archive, name, '--update')
        lines = mail_readers.manifest(to)
        harness.same(f'items in {name}', sorted(x['item'] for x in lines), sorted(x['number'] for x in listed))
        mail_readers.sums_are_right(to)
        mail_readers.files_with_sums(to)
        harness.check(not (to / 'exarch.tmp').exists(), 'the workshop is gone')
        if name == 'mbox':
            harness.same('messages Python finds', sum(map(len, mail_readers.python_mbox(to).values())), 800)
        print(f'# {name}: {killed} of {rounds} killed within')


def wait_until_written(path, lines, process):
    """Until the journal has so many lines; False: the export ended before. Busy, for a moment: files have no bell."""
    while process.process.poll() is None:
        try:
            if path.read_bytes().count(b'\n') >= lines:
                return True
        except FileNotFoundError:
            pass
    return False


def an_mbox_that_a_mail_program_changed_is_left_alone(run):
    archive = archived(run)
    to, _ = export(run, archive, 'mbox', '--folder', '/Inbox')
    path = next(iter(to.rglob('*.mbox')))
    with open(path, 'ab') as f:
        f.write(b'From me Thu Jan  1 00:00:00 1970\nSubject: mine\n\nmine\n\n')
    before = harness.tree_state(to)
    refused = export(run, archive, 'mbox', '--update', expect=harness.USAGE)[1]
    harness.check(path.name in refused.err, f'the refusal names it: {refused.err}')
    after = harness.tree_state(to)
    harness.same('what was there', {k: v for k, v in after.items() if k in before and not k.startswith('MANIFEST')},
                 {k: v for k, v in before.items() if not k.startswith('MANIFEST')})


def a_reader_may_change_flags_and_nothing_is_written_twice(run):
    archive, expected = archived(run), served()
    to, _ = export(run, archive, 'maildir')
    renamed = 0
    for folder in mail_readers.maildirs(to):
        for path in list((folder / 'cur').iterdir()):
            path.rename(path.with_name(path.name.split(':2,')[0] + ':2,FRS'))
            renamed += 1
    harness.same('messages renamed', renamed, sum(expected.values()))
    harness.same('written again', export(run, archive, 'maildir', '--update')[1].objects()[-1]['items'], 0)


def calendar_items_and_contacts_become_files_other_programs_take(run):
    calendar = 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:Käse\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n'
    card = 'BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Änne\r\nEND:VCARD\r\n'
    latin = 'MIME-Version: 1.0\r\nContent-Type: {}; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n'
    head = b'Subject: %s\r\nDate: Mon, 02 Mar 2026 09:00:00 +0000\r\n'
    messages = {'anna/Calendar/1.eml': head % b'meeting' + latin.format('text/calendar').encode() + b'\r\n' + calendar.encode('latin-1'),
                'anna/Contacts/2.eml': head % b'card' + latin.format('text/vcard').encode() + b'\r\n' + card.encode('latin-1'),
                'anna/Inbox/3.eml': 'mail'}
    sim = run.simulator('--mail', mail.write(run.dir / 'mail', messages))
    run.archive(sim.profile(filters={'classes': ['all']}))
    for how, count in (('beside', 3), ('instead', 1)):
        to = run.dir / how
        run.exarch('export', sim.archive, '--to', to, '--ics-vcf', how)
        harness.same('.ics', [p.read_bytes().decode() for p in to.rglob('*.ics')], [calendar])
        harness.same('.vcf', [p.read_bytes().decode() for p in to.rglob('*.vcf')], [card])
        harness.same('.eml', len(list(to.rglob('*.eml'))), count)
        harness.same('forms', sorted(x['form'] for x in mail_readers.manifest(to)), sorted(['eml'] * count + ['ics', 'vcf']))
        mail_readers.files_with_sums(to)
        mail_readers.sums_are_right(to)


if __name__ == '__main__':
    harness.main(python_and_sha256sum_read_all_formats,
                 dovecot_reads_maildirs_and_mboxes,
                 notmuch_takes_every_maildir_file_that_is_mail,
                 an_update_writes_what_is_missing_in_every_format,
                 a_killed_export_is_continued_and_nothing_is_half_there,
                 an_mbox_that_a_mail_program_changed_is_left_alone,
                 a_reader_may_change_flags_and_nothing_is_written_twice,
                 calendar_items_and_contacts_become_files_other_programs_take,
                 short=(python_and_sha256sum_read_all_formats, an_update_writes_what_is_missing_in_every_format))
