# SPDX-License-Identifier: Apache-2.0
"""Mail for tests: folders of .eml files as exarch-sim serves them, made on the spot or found in fixtures/."""
import base64
import pathlib
import random

import harness


def message(subject, date='Mon, 02 Mar 2026 09:00:00 +0000', body='Hello.\r\n', headers=''):
    return (f'From: Anna <anna@sim.example>\r\nTo: Bert <bert@sim.example>\r\nSubject: {subject}\r\nDate: {date}\r\n'
            f'Message-ID: <{subject.replace(" ", ".")}@sim.example>\r\n{headers}\r\n{body}').encode()


def write(folder, messages):
    """MESSAGES: {'anna/Inbox/first.eml': bytes or subject}. Gives the folder."""
    for name, content in messages.items():
        path = pathlib.Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(message(content) if isinstance(content, str) else content)
    return folder


def write_large(path, size, seed=1):
    """A message of at least SIZE bytes with one attachment that no codec makes smaller, written in pieces."""
    rng = random.Random(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'wb') as f:
        f.write(message('large', headers='MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n',
                        body='--b\r\nContent-Type: text/plain\r\n\r\nSee attachment.\r\n--b\r\n'
                             'Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n'))
        while f.tell() < size:
            text = base64.b64encode(rng.randbytes(57 * 4096))
            f.write(b''.join(text[i:i + 76] + b'\r\n' for i in range(0, len(text), 76)))
        f.write(b'--b--\r\n')


def as_served(content):
    """What the simulator promises of a file: byte for byte, but one without any CRLF gets them."""
    return content if b'\r\n' in content else content.replace(b'\n', b'\r\n')


def of_files(folder):
    """[(mailbox, folder, sha256)] that a simulator with --mail FOLDER serves."""
    found = []
    for path in pathlib.Path(folder).rglob('*'):
        if path.suffix.lower() != '.eml' or not path.is_file():
            continue
        mailbox, *folders = path.relative_to(folder).parts[:-1]
        address = mailbox if '@' in mailbox else f'{mailbox}@sim.example'
        found.append((address.lower(), harness.plain_folder('/' + '/'.join(folders or ['Inbox'])),
                      harness.sha256(as_served(path.read_bytes()))))
    return found
