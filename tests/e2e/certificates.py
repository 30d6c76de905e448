# SPDX-License-Identifier: Apache-2.0
"""Certificates that `exarch cert create` wouldn't make: expired ones, of servers, of an authority of one's own."""
import subprocess

import harness


def openssl(*args):
    try:
        subprocess.run(['openssl', *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                       check=True)
    except FileNotFoundError:
        raise harness.Skip('there is no openssl command to make certificates with') from None


def make(folder, name, days=30):
    """NAME.key and NAME.crt, good for so many days; less than none: expired. Gives their paths."""
    key, request, certificate = (folder / f'{name}.{ending}' for ending in ('key', 'csr', 'crt'))
    openssl('req', '-new', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=exarch', '-keyout', key, '-out', request)
    openssl('x509', '-req', '-in', request, '-signkey', key, '-days', days, '-out', certificate)
    key.chmod(0o600)
    return certificate, key
