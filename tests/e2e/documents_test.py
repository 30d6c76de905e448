# SPDX-License-Identifier: Apache-2.0
"""No document lies: every command in README.md and docs/ is carried out against the simulator, in the order of its page, and what a
page quotes of the program is in its source."""
import documents
import harness

# Pages that begin on an empty machine, and what their placeholders stand for once it is made. All others have a tenant, a profile
# and an archive to work with.
CONTOSO = {'ARCHIVE': '/srv/exarch/contoso', 'PROFILE': '/etc/exarch/contoso.yaml'}
FROM_NOTHING = {
    'README.md': {'sign_in': ('--register', '/etc/exarch/contoso/exarch.cer'), 'words': {'A': '/srv/exarch/contoso'},
                  'encrypted': True},
    'getting-started-exchange-server.md': {'sign_in': ('--ntlm', 'CONTOSO\\svc-exarch:right horse'), 'words': {}},
    'getting-started-microsoft365.md': {'words': {}},
    'operating.md': {'words': CONTOSO},
    'rehearsing.md': {'words': {}},
    'security.md': {'words': {**CONTOSO, 'OLD': '/etc/exarch/contoso.key'}},
    'simulator.md': {'words': {}},
}


def test_of(page):
    def can_be_followed(run):
        documents.World(run, page, **FROM_NOTHING.get(page.name, {})).walk()
    can_be_followed.__name__ = f'{page.stem.replace("-", "_")}_can_be_followed'
    return can_be_followed


if __name__ == '__main__':
    harness.main(*map(test_of, documents.DOCUMENTS), at_once=4)
