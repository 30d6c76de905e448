# SPDX-License-Identifier: Apache-2.0
"""`exarch setup`: a profile that is good as it is written."""
import harness
import mail
from terminal import Terminal

APP = ('--tenant', 'contoso.onmicrosoft.com', '--client-id', 'cb9fe2cb-1111-4222-8333-444455556666')


def options_alone_make_a_good_profile(run):
    profile = run.dir / 'app.yaml'
    told = run.exarch('setup', '--out', profile, *APP, '--certificate', 'app.crt', '--key', "it's.key", '--archive', 'mail',
                      '--cloud', 'us-gov', cwd=run.dir)
    harness.contains('what comes next', told.out, f'exarch check {profile}')
    shown = run.exarch('config', 'show', profile).out
    harness.contains('the profile', shown, f'{run.dir}/mail', f'{run.dir}/app.crt', "it's.key", 'outlook.office365.us')
    harness.check(profile.read_text().count('#') > 10, 'it has comments')


def every_kind_makes_a_good_profile(run):
    addresses = run.dir / 'addresses'
    addresses.write_text('anna@contoso.com\n')
    password = ('--user', 'CONTOSO\\svc', '--password-file', run.dir / 'password')
    for kind, options in (('app-secret', (*APP, '--secret-file', run.dir / 'secret')),
                          ('ntlm', (*password, '--mailboxes', addresses)),
                          ('basic', (*password, '--mailboxes', 'anna@contoso.com,bert@contoso.com',
                                     '--endpoint', 'https://mail.contoso.com/EWS/Exchange.asmx')),
                          ('negotiate', ('--mailboxes', addresses, '--tls-ca', run.dir / 'ca.pem'))):
        profile = run.dir / f'{kind}.yaml'
        run.exarch('setup', '--out', profile, '--kind', kind, '--archive', run.dir / 'mail', *options)
        run.exarch('config', 'check', profile)


def nothing_that_is_there_is_touched(run):
    profile = run.dir / 'mine.yaml'
    profile.write_text('mine\n')
    told = run.exarch('setup', '--out', profile, *APP, '--certificate', 'a', '--key', 'b', '--archive', 'c',
                      expect=harness.USAGE)
    harness.contains('the error', told.err, 'mine.yaml', 'already')
    harness.same('the file', profile.read_text(), 'mine\n')


def what_is_missing_or_wrong_is_named_and_nothing_is_written(run):
    profile = run.dir / 'p.yaml'
    whole = (*APP, '--certificate', 'a', '--key', 'b', '--archive', 'c')
    for options, names in (((), ('--tenant',)),
                           (whole[:-2], ('--archive',)),
                           ((*whole, '--cloud', 'mars'), ('mars',)),
                           ((*whole, '--user', 'x'), ('--user', 'app-certificate')),
                           (('--kind', 'ldap', '--user', 'x', '--password-file', 'y', '--mailboxes', 'a@b.c', '--archive', 'c'),
                            ('ldap',)),
                           ((*whole, '--mailboxes', 'no-such-file'), ('no-such-file',))):
        told = run.exarch('setup', '--out', profile, *options, expect=harness.USAGE, cwd=run.dir)
        harness.contains(f'{told}: the error', told.err, *names)
        harness.check(not profile.exists(), f'{told}: nothing was written')


def somebody_at_a_terminal_is_asked(run):
    profile = run.dir / 'asked.yaml'
    terminal = Terminal(run, 'setup', '--out', profile, '--cloud', 'china')
    for prompt, answer in (('How to sign in', ''), ('tenant', 'contoso.cn'),
                           ('client', 'cb9fe2cb-1111-4222-8333-444455556666'), ('Certificate', '/etc/exarch/app.crt'),
                           ('private key', '/etc/exarch/app.key'), ('Mailboxes', ''), ('Folder of the archive', '/srv/mail')):
        terminal.wait_for(prompt)
        terminal.type(answer + '\n')
    harness.contains('what is shown', terminal.end(harness.DONE), 'wrote', 'exarch check')
    harness.contains('the profile', run.exarch('config', 'show', profile).out, 'partner.outlook.cn', '/srv/mail', 'directory')


def the_profile_leads_to_a_first_archive(run):
    sim = run.simulator('--mail', mail.write(run.dir / 'mail', {'anna/Inbox/one.eml': 'one'}), '--basic',
                        'admin@sim.example:right horse')
    profile = run.dir / 'basic.yaml'
    run.exarch('setup', '--out', profile, '--kind', 'basic', '--user', 'admin@sim.example', '--password-file',
               sim.keys / 'password', '--endpoint', f'{sim.url}/EWS/Exchange.asmx', '--tls-ca', sim.keys / 'ca.pem',
               '--mailboxes', 'anna@sim.example', '--archive', run.dir / 'first')
    run.exarch('check', profile)
    harness.same('archived', run.archive(profile)['archived'], 1)
    harness.contains('afterwards', run.exarch('check', profile).out, 'opens')


if __name__ == '__main__':
    harness.main(options_alone_make_a_good_profile,
                 every_kind_makes_a_good_profile,
                 nothing_that_is_there_is_touched,
                 what_is_missing_or_wrong_is_named_and_nothing_is_written,
                 somebody_at_a_terminal_is_asked,
                 the_profile_leads_to_a_first_archive)
