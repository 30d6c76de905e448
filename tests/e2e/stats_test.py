# SPDX-License-Identifier: Apache-2.0
"""`exarch stats`, against what Python counts in the fixtures themselves."""
import base64
import collections
import email
import hashlib
import pathlib

import harness
import mail

MAIL = harness.FIXTURES / 'mail'
MESSAGES = [(box, folder, pathlib.Path(path)) for path in MAIL.rglob('*.eml')
            for box, folder in [(path.relative_to(MAIL).parts[0], '/' + '/'.join(path.relative_to(MAIL).parts[1:-1]))]]


def size(path):
    return len(mail.as_served(path.read_bytes()))


def tables(run, archive, *more):
    """{table: [line]}"""
    found = collections.defaultdict(list)
    for line in run.exarch('stats', archive, '--json', *more).objects():
        found[line['table']].append(line)
    return found


def archived(run):
    sim = run.simulator('--mail', MAIL)
    run.archive(sim.written_profile)
    return sim


def counted(keys):
    """{key: (items, bytes)}"""
    sums = collections.defaultdict(lambda: (0, 0))
    for key, (_, _, path) in zip(keys, MESSAGES):
        items, total = sums[key]
        sums[key] = items + 1, total + size(path)
    return dict(sums)


def figures(lines, key):
    return {key(line): (line['items'], line['bytes']) for line in lines}


def mailboxes_folders_and_totals_are_what_the_files_come_to(run):
    sim = archived(run)
    found = tables(run, sim.archive)
    harness.same('mailboxes', figures(found['mailbox'], lambda x: x['mailbox']), counted(box for box, _, _ in MESSAGES))
    harness.same('folders', figures(found['folder'], lambda x: (x['mailbox'], harness.plain_folder(x['folder']))),
                 counted((box, harness.plain_folder(folder)) for box, folder, _ in MESSAGES))
    total, = found['total']
    harness.same('total', (total['items'], total['bytes']), (len(MESSAGES), sum(size(p) for _, _, p in MESSAGES)))
    harness.same('raw bytes', total['raw_bytes'], total['bytes'])
    stored = sum(p.stat().st_size for p in (sim.archive / 'seg').rglob('*') if p.is_file())
    harness.same('stored bytes', total['stored_bytes'], stored)
    harness.check(abs(total['stored_ratio'] - stored / total['bytes']) < 1e-9, 'stored_ratio is stored by raw')
    product = total['dedup_ratio'] * total['compression_ratio']
    harness.check(abs(product - total['stored_ratio']) < 1e-9, 'the two ratios make the whole')


def years_are_those_of_the_time_received(run):
    dates = {'1': 'Fri, 31 Dec 1999 23:59:59 +0000', '2': 'Fri, 31 Dec 1999 20:00:00 -0800', '3': 'Mon, 03 Jun 2024 10:00:00 +0000',
             '4': 'Tue, 04 Jun 2024 10:00:00 +0000'}
    messages = {f'anna/Inbox/{n}.eml': mail.message(n, date=date) for n, date in dates.items()}
    sim = run.simulator('--mail', mail.write(run.dir / 'mail', messages))
    run.archive(sim.written_profile)
    found = tables(run, sim.archive, '--by', 'year')['year']
    harness.same('years, in UTC', [(x['year'], x['items']) for x in found], [(1999, 1), (2000, 1), (2024, 2)])


def a_selection_counts_what_matches(run):
    sim = archived(run)
    wanted = {('--folder', '/Inbox'): [p for _, folder, p in MESSAGES if folder == '/Inbox'],
              ('--mailbox', 'ben*'): [p for box, _, p in MESSAGES if box.startswith('ben')]}
    for selection, paths in wanted.items():
        total, = tables(run, sim.archive, *selection)['total']
        harness.same(f'{selection}', (total['items'], total['bytes']), (len(paths), sum(map(size, paths))))
        harness.check('stored_bytes' not in total, 'what a part takes on disk nobody can say')


def runs_tell_how_it_grew(run):
    folder = mail.write(run.dir / 'mail', {'anna/Inbox/1.eml': 'one', 'anna/Inbox/2.eml': 'two'})
    sim = run.simulator('--mail', folder)
    run.archive(sim.written_profile)
    sim.stop()
    mail.write(folder, {'anna/Inbox/3.eml': 'three'})
    sim = run.simulator('--mail', folder, name='again')
    run.archive(sim.written_profile)
    lines = tables(run, sim.archive, '--by', 'run')['run']
    sizes = [sum(len(mail.message(s)) for s in names) for names in (('one', 'two'), ('three',))]
    new = [x['items'] for x in lines]
    harness.same('runs', len(lines), 2)
    harness.same('bytes so far', lines[-1]['bytes_so_far'], sum(x['bytes'] for x in lines))
    harness.same('the first run', (new[0], lines[0]['bytes']), (2, sizes[0]))
    harness.check(new[1] >= 1 and lines[1]['items_so_far'] == new[0] + new[1], 'the second run adds to the first')


def classes_add_up(run):
    sim = archived(run)
    lines = tables(run, sim.archive, '--by', 'class')['class']
    harness.same('items in all classes', sum(x['items'] for x in lines), len(MESSAGES))
    types = [email.message_from_bytes(p.read_bytes()).get_content_type() for _, _, p in MESSAGES]
    harness.same('S/MIME', {x['class']: x['items'] for x in lines}['IPM.Note.SMIME'],
                 sum(t in ('application/pkcs7-mime', 'application/x-pkcs7-mime') for t in types))


def attachments_that_repeat_are_found_with_their_names(run):
    big, small = (hashlib.sha256(seed).digest() * n for seed, n in ((b'big', 4000), (b'small', 400)))

    def with_file(subject, name, content):
        text = base64.encodebytes(content).replace(b'\n', b'\r\n')
        return mail.message(subject, headers='MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n',
                            body=f'--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b\r\nContent-Type: application/octet-stream\r\n'
                                 f'Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="{name}"\r\n\r\n'
                                 f'{text.decode()}--b--\r\n')
    messages = {f'anna/Inbox/{n}.eml': with_file(f'm{n}', 'often.bin', small) for n in range(7)}
    messages['anna/Inbox/big.eml'] = with_file('big', 'once.bin', big)
    sim = run.simulator('--mail', mail.write(run.dir / 'mail', messages))
    run.archive(sim.written_profile)
    found = tables(run, sim.archive, '--attachments')
    harness.same('largest', [(x['name'], x['bytes'], x['copies']) for x in found['largest']],
                 [('once.bin', len(big), 1), ('often.bin', len(small), 7)])
    harness.same('repeated', [(x['name'], x['bytes'], x['copies']) for x in found['repeated']], [('often.bin', len(small), 7)])


if __name__ == '__main__':
    harness.main(mailboxes_folders_and_totals_are_what_the_files_come_to,
                 years_are_those_of_the_time_received,
                 a_selection_counts_what_matches,
                 runs_tell_how_it_grew,
                 classes_add_up,
                 attachments_that_repeat_are_found_with_their_names)
