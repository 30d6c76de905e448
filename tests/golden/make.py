#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a golden archive: a few messages, archived by this build, kept for ever to be read by every later one.

    tests/golden/make.py NAME [DIR]       makes DIR/NAME (DIR: fixtures/golden), which must not be there
    tests/golden/make.py --all-again      makes all of fixtures/golden anew: only until the version they are of is released

NAME is one of KINDS. EXARCH and EXARCH_SIM are the programs, as in tests/e2e. A golden archive is two runs: in between one
message was deleted, one changed, one came, and the first run's segment got a torn tail, so that there is a second one. One
kind is then held, expired and compacted, archived into, and all that once more; one gets a second key. There is no index: each
test begins with `exarch rebuild`. What must be found in it stands in expected.json, made from the mail
that was served and from nothing that exarch said.
"""
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / 'tests/e2e'))

import harness  # noqa: E402
import mail  # noqa: E402


@dataclasses.dataclass
class Kind:
    """How an archive is made, and what every verb on it needs beside the archive (paths relative to the golden folder)."""
    init: list = dataclasses.field(default_factory=list)
    open: list = dataclasses.field(default_factory=list)
    secrets: dict = dataclasses.field(default_factory=dict)  # file: text; they keep nothing secret but test archives
    story: str = None  # what happens then: a verb of Making


KINDS = {
    '1.0-zlib': Kind(['--compression', 'zlib']),
    '1.0-zstd': Kind(['--compression', 'zstd']),
    '1.0-encrypted-keyfile': Kind(['--encrypt'], ['--key-file', 'key'], {'key': '0f1e2d3c4b5a6978' * 4 + '\n'},
                                  'given_a_second_key'),
    '1.0-encrypted-passphrase': Kind(['--encrypt'], ['--passphrase-file', 'passphrase'],
                                     {'passphrase': 'correct horse battery staple\n'}),
    '1.0-cut': Kind(story='cut'),
}

ANNA, BEN, LEGAL = 'anna.lindqvist@contoso.example', 'ben.okafor@contoso.example', 'legal@contoso.example'
# Text, a picture, message in message, names beyond ASCII, broken structure, nothing at all.
CHOSEN = [
    f'{ANNA}/Inbox/001-welcome.unread.eml', f'{ANNA}/Inbox/002-lunch.eml', f'{ANNA}/Inbox/005-logo-only.eml',
    f'{ANNA}/Drafts/011-draft.eml', f'{ANNA}/Archive 2024/030-rfc822-five-deep.eml',
    f'{ANNA}/日本語 案件/050-iso-2022-jp.eml', f'{ANNA}/Junk Email/060-empty.eml', f'{ANNA}/Sent Items/004-re-report.eml',
    f'{BEN}/Inbox/004-re-report.unread.eml', f'{BEN}/Junk Email/088-mixed-breaks.eml',
    f'{BEN}/Junk Email/091-base64-no-padding.eml', f'{LEGAL}/Hold 2023/104-uuencode.eml',
    f'{LEGAL}/Inbox/Kunden – Köln/055-rfc6532.eml',
]
DELETED, CHANGED = f'{ANNA}/Inbox/002-lunch.eml', f'{ANNA}/Drafts/011-draft.eml'
LOGO, ADDED = f'{ANNA}/Inbox/005-logo-only.eml', f'{BEN}/Inbox/005-logo-only.eml'  # its objects are known by then
LATE = f'{ANNA}/Inbox/late.eml'  # comes when the first segments are cut already, and expires too
POLICY = {'version': 1, 'rules': [{'name': 'short-lived', 'mailboxes': ['anna*'], 'folders': ['/Inbox/**'], 'keep': '1 day'},
                                  {'name': 'legal', 'mailboxes': ['legal*'], 'folders': ['/Inbox/**'], 'keep': '1 day'}]}
TORN = b'XFR\xa9 and then the power was cut'


def large_text():
    """A message whose text is more than 32 KiB, so that it has a frame of its own; it compresses well."""
    lines = ''.join(f'{number:5} lines of a log that nobody reads\r\n' for number in range(1000))
    return mail.message('log', body=lines)


def put(folder, name, content, time=1772355600):
    """The simulator makes change keys of a file's time: with the same one, an item is the same in ten years."""
    mail.write(folder, {name: content})
    os.utime(folder / name, (time, time))


def serve(folder):
    for name in CHOSEN:
        put(folder, name, (harness.FIXTURES / 'mail' / name).read_bytes())
    put(folder, f'{LEGAL}/Inbox/large.eml', large_text())


def change(folder):
    (folder / DELETED).unlink()
    put(folder, CHANGED, (folder / CHANGED).read_bytes() + b'\r\nOne line more.\r\n', time=1772359200)
    put(folder, ADDED, (folder / LOGO).read_bytes())


def come_late(folder):
    put(folder, LATE, mail.message('late', body='This one is not kept long.\r\n'))


def items(folder, state='live', only=None):
    """[(mailbox, folder, SHA-256, size, state)] of what a simulator with this mail serves."""
    found = []
    for path in folder.rglob('*.eml'):
        name = str(path.relative_to(folder))
        if only and name != only:
            continue
        mailbox, *folders = path.relative_to(folder).parts[:-1]
        content = mail.as_served(path.read_bytes())
        found.append((mailbox, '/' + '/'.join(folders), harness.sha256(content), len(content), state))
    return found


def let_in(folder, secrets):
    """Git knows no mode 0600, and exarch takes no key from a file that others may read."""
    for name in secrets:
        (folder / name).chmod(0o600)


class Making:
    """A golden archive in the making."""

    def __init__(self, run, kind, golden):
        self.run, self.kind, self.golden, self.archive = run, kind, golden, golden / 'archive'
        self.mail = run.dir / 'mail'
        for name, text in kind.secrets.items():
            (golden / name).write_text(text)
        let_in(golden, kind.secrets)
        self.exarch('init', *kind.init)
        serve(self.mail)
        self.profile = run.simulator('--mail', self.mail).profile(archive=str(self.archive))

    def exarch(self, verb, *args):
        verb, *more = verb.split()
        return self.run.exarch(verb, *more, self.archive, *args, *self.kind.open, cwd=self.golden)

    def archived(self):
        self.run.archive(self.profile, *self.kind.open, cwd=self.golden)

    def archived_twice(self):
        """Gives the items that must be in the archive."""
        self.archived()
        expected = items(self.mail, 'removed', DELETED) + items(self.mail, 'superseded', CHANGED)
        with open(self.archive / 'seg/00/00000001.xseg', 'ab') as segment:
            segment.write(TORN)
        change(self.mail)
        self.archived()
        return expected + items(self.mail)

    def expired(self):
        policy = self.run.dir / 'policy.yaml'
        policy.write_text(json.dumps(POLICY))
        self.exarch('expire', '--policy', policy, '--yes')
        self.exarch('compact', '--all')

    def given_a_second_key(self, expected):
        """Each opening for writing begins a segment here, and the one before gets its SEAL."""
        self.exarch('key add', '--new-key-file', 'second')
        (self.golden / 'second').unlink()
        return expected, {'audit': ['key add']}

    def cut(self, expected):
        """The first segment had no SEAL when it was cut, the second one had."""
        self.exarch('hold add', 'lawsuit', '--mailbox', 'legal*', '--reason', 'Contoso ./. Fabrikam')
        self.exarch('hold add', 'mistake')
        self.exarch('hold remove', 'mistake')
        self.expired()
        come_late(self.mail)
        self.archived()
        self.expired()
        found = [(mailbox, folder, digest, size, 'expired' if (mailbox, folder) == (ANNA, '/Inbox') else state)
                 for mailbox, folder, digest, size, state in expected + items(self.mail, only=LATE)]
        return found, {'rule': 'short-lived', 'holds': {'lawsuit': True, 'mistake': False},
                       'audit': ['hold add', 'hold add', 'hold remove', 'expire', 'compact begin', 'compact end', 'expire', 'compact begin',
                                 'compact end']}


def make(name, to):
    kind, golden = KINDS[name], pathlib.Path(to) / name
    golden.mkdir(parents=True)  # what was released is never made again
    whole = {'made_by': version(), 'open': kind.open, 'secrets': list(kind.secrets), 'holds': {}, 'audit': []}
    with tempfile.TemporaryDirectory() as scratch:
        run = harness.Run(pathlib.Path(scratch))
        with run.cleanup:
            making = Making(run, kind, golden)
            expected = making.archived_twice()
            if kind.story:
                expected, more = getattr(making, kind.story)(expected)
                whole |= more
    shutil.rmtree(golden / 'archive/idx')
    (golden / 'archive/LOCK').unlink(missing_ok=True)
    columns = ('mailbox', 'folder', 'sha256', 'bytes', 'state')
    whole['items'] = [dict(zip(columns, item)) for item in sorted(expected)]
    (golden / 'expected.json').write_text(json.dumps(whole, indent=1, ensure_ascii=False) + '\n')
    return golden


def version():
    told = subprocess.run([harness.EXARCH, 'version'], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    return next(word for word in told if re.match(r'\d+\.', word))


def main():
    if sys.argv[1:] == ['--all-again']:
        for name in KINDS:
            shutil.rmtree(harness.FIXTURES / 'golden' / name, ignore_errors=True)
            print(make(name, harness.FIXTURES / 'golden'))
        return
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in KINDS:
        sys.exit(f'usage: make.py NAME [DIR]; names: {", ".join(KINDS)}')
    print(make(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else harness.FIXTURES / 'golden'))


if __name__ == '__main__':
    main()
