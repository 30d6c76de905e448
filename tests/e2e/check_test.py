# SPDX-License-Identifier: Apache-2.0
"""`exarch check`: each step that can go wrong on the way to the first archive is named, with what to do about it."""
import json
import os
import subprocess

import certificates
import harness
import mail

SWITCHED_OFF = harness.FIXTURES / 'scenarios/status-403.yaml'


def serve(run, *options):
    return run.simulator('--mail', mail.write(run.dir / 'mail', {
        'anna/Inbox/one.eml': 'one', 'bert/Inbox/two.eml': 'two', 'carl/Inbox/three.eml': 'three',
        'dora/Inbox/four.eml': 'four'}), *options)


def look(run, profile, *args, expect=harness.DONE, **how):
    """{check: [finding]}; the summary must agree with the findings and the exit code, and nothing may be written."""
    before = harness.tree_state(run.dir / 'archive') if (run.dir / 'archive').exists() else None
    objects = run.exarch('check', profile, '--json', *args, expect=expect, **how).objects()
    *findings, summary = objects
    harness.same('the last line', summary['event'], 'check_summary')
    harness.same('its exit code', summary['exit_code'], expect)
    for state, key in (('ok', 'ok'), ('warning', 'warnings'), ('failed', 'failed')):
        harness.same(key, summary[key], sum(f['state'] == state for f in findings))
    after = harness.tree_state(run.dir / 'archive') if (run.dir / 'archive').exists() else None
    harness.same('the archive', after, before)
    told = {}
    for finding in findings:
        told.setdefault(finding['check'], []).append(finding)
    return told


def token_requests(sim):
    sim.settle()
    return sum(r['path'].endswith('/token') for r in sim.requests)


def is_named(told, check, text, remedy):
    """Exactly one finding of CHECK failed, and its words are these."""
    bad = [f for f in told.get(check, []) if f['state'] == 'failed']
    harness.same(f'failed findings of {check} (all: {told})', len(bad), 1)
    harness.contains(f'{check}: its text', bad[0]['text'], *text)
    harness.contains(f'{check}: its text and remedy', f'{bad[0]["text"]} {bad[0]["remedy"]}', *remedy)
    return bad[0]


def nothing_else_failed(told, *checks):
    others = [f for name, fs in told.items() if name not in checks for f in fs if f['state'] == 'failed']
    harness.same('other failures', others, [])


def when_all_is_well_nothing_failed_and_nothing_is_made(run):
    sim = serve(run)
    told = look(run, sim.written_profile)
    nothing_else_failed(told)
    harness.same('mailboxes tried', [f['subject'] for f in told['mailbox']],
                 ['anna@sim.example', 'bert@sim.example', 'dora@sim.example'])
    harness.contains('the roles', ' '.join(f['text'] for f in told['roles']), 'full_access_as_app', 'Directory.Read.All')
    harness.check(not (sim.archive / 'FORMAT').exists(), 'no archive was made')
    run.archive(sim.written_profile)
    told = look(run, sim.written_profile, '--mailbox', 'bert*')
    harness.contains('the archive', told['archive'][0]['text'], 'opens')
    harness.same('mailboxes tried', [f['subject'] for f in told['mailbox']], ['bert@sim.example'])


def people_read_one_line_for_each_finding(run):
    sim = serve(run, '--deny', 'anna@sim.example')
    result = run.exarch('check', sim.written_profile, expect=harness.INCOMPLETE)
    harness.same('stderr', result.err, '')
    lines = result.out.splitlines()
    for line in lines[:-1]:
        harness.check(line.startswith(('ok  ', 'warning  ', 'FAILED  ')), f'a finding: {line}')
        harness.same(f'an arrow where something is to be done: {line}', '  -> ' in line, not line.startswith('ok'))
    harness.contains('the last line', lines[-1], '1 failed')


def a_bad_profile_is_told_with_its_line(run):
    sim = serve(run)
    bad = sim.profile(soruce={})
    told = look(run, bad, expect=harness.USAGE)
    is_named(told, 'profile', ('soruce', 'did you mean'), ())
    is_named(look(run, run.dir / 'none.yaml', expect=harness.USAGE), 'profile', ('none.yaml',), ())


def a_certificate_that_was_not_uploaded_is_named_with_its_thumbprint(run):
    sim = serve(run)
    made = run.exarch('cert', 'create', '--out', run.dir / 'own', '--json').objects()[0]
    profile = sim.profile(source={'auth': {'certificate': made['certificate'], 'key': made['key']}})
    told = look(run, profile, expect=harness.SIGN_IN)
    is_named(told, 'token', ('AADSTS700027',), (made['sha1'], 'Certificates & secrets', harness.application()[1]))
    nothing_else_failed(told, 'token')
    harness.check('archive' in told and 'disk' in told, 'later checks went on')


def a_wrong_secret_tenant_or_application_is_named(run):
    sim = serve(run)
    (sim.keys / 'secret').write_text('not this one\n')
    other = '00000000-1111-4222-8333-444455556666'
    is_named(look(run, sim.profile(sign_in='secret'), expect=harness.SIGN_IN), 'token', ('AADSTS7000215',), ('value',))
    is_named(look(run, sim.profile(source={'auth': {'tenant': other}}), expect=harness.SIGN_IN), 'token', ('AADSTS90002',),
             ('tenant',))
    is_named(look(run, sim.profile(source={'auth': {'client_id': other}}), expect=harness.SIGN_IN), 'token', ('AADSTS700016',),
             ('client_id',))


def missing_consent_is_named(run):
    sim = serve(run, '--no-role')
    listed = sim.profile('listed.yaml', mailboxes={'from': 'list', 'list': ['anna@sim.example']})
    told = look(run, listed, expect=harness.SIGN_IN)
    is_named(told, 'roles', ('no roles',), ('full_access_as_app', 'Grant admin consent', 'Office 365 Exchange Online'))
    nothing_else_failed(told, 'roles', 'ews')
    told = look(run, sim.written_profile, expect=harness.SIGN_IN)
    bad = [f for f in told['roles'] if f['state'] == 'failed']
    harness.contains('the roles for Graph and EWS', ' '.join(f['remedy'] for f in bad), 'Directory.Read.All',
                     'full_access_as_app', 'Microsoft Graph')


REFUSALS = ((65001, 'consent', ('API permissions', 'Grant admin consent')),
            (7000112, 'disabled', ('Enterprise applications', 'Properties')),
            (53003, 'conditional access', ('Conditional Access', 'workload identities')),
            (90038, 'another national cloud', ('source.cloud',)))


def what_the_sign_in_service_refuses_for_is_named(run):
    """As the service answers: JSON with the number in error_codes."""
    scenario = run.dir / 'refusal.yaml'
    for number, words, remedy in REFUSALS:
        body = json.dumps({'error': 'invalid_grant', 'error_description': f'AADSTS{number}: ...', 'error_codes': [number]})
        scenario.write_text(json.dumps({'faults': [{'where': {'operation': 'token'}, 'what': {'status': 400, 'body': body}}]}))
        sim = serve(run, '--scenario', scenario)
        told = look(run, sim.profile(), expect=harness.SIGN_IN)
        bad = is_named(told, 'token', (f'AADSTS{number}', words), remedy)
        harness.same('its name', bad['name'], f'AADSTS{number}')
        harness.same('asked for a token', token_requests(sim), 1)
        sim.stop()


def a_role_that_groups_need_is_named(run):
    sim = serve(run, '--app-role', 'full_access_as_app,User.Read.All')
    nothing_else_failed(look(run, sim.profile()))
    told = look(run, sim.profile(mailboxes={'groups': ['Sales']}), expect=harness.SIGN_IN)
    is_named(told, 'roles', ('User.Read.All', 'not GroupMember.Read.All'), ('Microsoft Graph', 'Grant admin consent'))
    sim.stop()
    sim = serve(run, '--app-role', 'full_access_as_app,User.Read.All,GroupMember.Read.All')
    nothing_else_failed(look(run, sim.profile(mailboxes={'groups': ['Sales']})))


def a_wrong_role_is_named(run):
    sim = serve(run, '--app-role', 'Mail.Read')
    listed = sim.profile(mailboxes={'from': 'list', 'list': ['anna@sim.example']})
    is_named(look(run, listed, expect=harness.SIGN_IN), 'roles', ('Mail.Read', 'not full_access_as_app'), ('API permissions',))


def a_clock_off_by_an_hour_is_named(run):
    for skew, words in ((3600, 'behind'), (-3600, 'ahead')):
        sim = serve(run, '--clock-skew', skew)
        told = look(run, sim.profile(), expect=harness.SIGN_IN)
        bad = is_named(told, 'clock', (words,), ('timedatectl',))
        harness.check(bad['text'].startswith(('1:00:', '0:59:')), f'an hour: {bad["text"]}')
        is_named(told, 'token', ('AADSTS700024',), ('clock',))
        sim.stop()
    sim = serve(run, '--clock-skew', 120)
    harness.same('two minutes', look(run, sim.profile())['clock'][0]['state'], 'warning')


def a_mailbox_without_licence_or_without_existence_is_named(run):
    sim = serve(run, '--directory-extras')
    profile = sim.profile()
    for address in ('no.licence@sim.example', 'nobody@sim.example'):
        told = look(run, profile, '--mailbox', address, expect=harness.INCOMPLETE)
        bad = is_named(told, 'mailbox', ('ErrorNonExistentMailbox',), ('licence', 'mailboxes.exclude'))
        harness.same('whose', bad['subject'], address)
    look(run, profile, '--mailbox', 'nobody*', expect=harness.USAGE)


def an_account_without_an_address_is_named(run):
    scenario = run.dir / 'no-address.yaml'
    scenario.write_text(json.dumps({'faults': [{'where': {'mailbox': 'bert@*'}, 'what': {'fault': 'ErrorMissingEmailAddress'}}]}))
    told = look(run, serve(run, '--scenario', scenario).profile(), expect=harness.INCOMPLETE)
    bad = is_named(told, 'mailbox', ('ErrorMissingEmailAddress',), ('licence', 'mailboxes.exclude'))
    harness.same('whose', bad['subject'], 'bert@sim.example')


def a_mailbox_that_may_not_be_impersonated_is_named(run):
    sim = serve(run, '--deny', 'bert@sim.example')
    told = look(run, sim.profile(), expect=harness.INCOMPLETE)
    bad = is_named(told, 'mailbox', ('ErrorImpersonateUserDenied',), ('ApplicationImpersonation',))
    harness.same('whose', bad['subject'], 'bert@sim.example')
    harness.same('the others', [f['state'] for f in told['mailbox']], ['ok', 'failed', 'ok'])


def a_key_that_others_may_read_is_named(run):
    sim = serve(run)
    (sim.keys / 'app.key').chmod(0o644)
    told = look(run, sim.profile(), expect=harness.SIGN_IN)
    is_named(told, 'credentials', ('app.key',), ('chmod 600',))
    harness.check('host' in told and 'archive' in told, 'what needs no credentials is looked at all the same')


def a_wrong_endpoint_is_named(run):
    sim = serve(run)
    told = look(run, sim.profile(source={'endpoint': f'{sim.url}/EWS/Exchange.asxm'}), expect=harness.FAILED)
    is_named(told, 'ews', ('404',), ('source.endpoint', '/EWS/Exchange.asmx'))
    told = look(run, sim.profile(source={'endpoint': 'https://127.0.0.1:1/EWS/Exchange.asmx'}), expect=harness.FAILED)
    is_named(told, 'host', ("can't connect",), ('source.endpoint', 'firewall'))
    told = look(run, sim.profile(source={'tls_ca': None}), expect=harness.SIGN_IN)
    is_named(told, 'host', ('not signed by an authority',), ('tls_ca',))


def without_proxy():
    return {'env': {k: v for k, v in os.environ.items() if not k.lower().endswith('_proxy')}}


def a_name_that_nobody_knows_is_named(run):
    profile = serve(run).profile(source={'endpoint': 'https://mail.contoso.invalid/EWS/Exchange.asmx'})
    told = look(run, profile, expect=harness.FAILED, **without_proxy())
    bad = is_named(told, 'host', ("the name can't be looked up",), ('DNS', 'source.endpoint', 'getent hosts'))
    harness.same('which', bad['subject'], 'https://mail.contoso.invalid')
    nothing_else_failed(told, 'host')


def a_port_that_does_not_speak_tls_is_named(run):
    sim = serve(run)
    plain = run.simulator('--mail', run.dir / 'mail', '--plain', name='plain')
    profile = sim.profile(source={'endpoint': f'{plain.url.replace("http:", "https:")}/EWS/Exchange.asmx'})
    told = look(run, profile, expect=harness.FAILED)
    is_named(told, 'host', ('TLS handshake failed',), ('TLS 1.2', 'inspection', 'source.endpoint'))


def ews_that_is_switched_off_is_named(run):
    sim = serve(run, '--scenario', SWITCHED_OFF)
    told = look(run, sim.profile(), expect=harness.SIGN_IN)
    is_named(told, 'ews', ('403', 'EwsEnabled'), ('administrator',))
    nothing_else_failed(told, 'ews')


def ews_that_is_switched_off_for_one_mailbox_is_named(run):
    scenario = run.dir / 'one.yaml'
    scenario.write_text(json.dumps({'faults': [{'where': {'mailbox': 'bert@*'}, 'what': {'status': 403}}]}))
    told = look(run, serve(run, '--scenario', scenario).profile(), expect=harness.INCOMPLETE)
    bad = is_named(told, 'mailbox', ('403',), ('Get-CASMailbox', 'EwsEnabled'))
    harness.same('whose', bad['subject'], 'bert@sim.example')
    nothing_else_failed(told, 'mailbox')


def a_server_of_ones_own_is_looked_at_too(run):
    sim = serve(run, '--basic', 'admin@sim.example:right horse')
    listed = {'from': 'list', 'list': ['anna@sim.example', 'bert@sim.example']}
    told = look(run, sim.profile(sign_in='basic', mailboxes=listed))
    nothing_else_failed(told)
    harness.check('token' not in told and 'certificate' not in told, 'nobody asked for a token')
    found = look(run, sim.profile(sign_in='basic', mailboxes=listed, source={
        'endpoint': None, 'autodiscover': f'{sim.url}/autodiscover/autodiscover.xml'}))
    harness.contains('Autodiscover', found['autodiscover'][0]['text'], '/EWS/Exchange.asmx')
    (sim.keys / 'password').write_text('wrong\n')
    sim.forget()
    told = look(run, sim.profile(sign_in='basic', mailboxes=listed), expect=harness.SIGN_IN)
    is_named(told, 'ews', ('password is not accepted',), ())
    sim.settle()
    refused = [r for r in sim.requests if r['status'] == 401]
    harness.same('refusals, which count towards a lockout', len(refused), 1)


def an_archive_that_is_not_there_or_does_not_open_is_named(run):
    sim = serve(run)
    profile = sim.profile(create_archive=False)
    is_named(look(run, profile, expect=harness.NO_ARCHIVE), 'archive', ('no archive',), ('exarch init', 'mount'))
    key = run.dir / 'archive.key'
    run.exarch('init', sim.archive, '--encrypt', '--key-file', key)
    is_named(look(run, profile, expect=harness.SIGN_IN), 'archive', ('encrypted',), ('archive_key',))
    harness.contains('with its key', look(run, profile, '--key-file', key)['archive'][0]['text'], 'encrypted')


def an_archive_in_use_is_a_warning(run):
    sim = serve(run)
    run.archive(sim.profile())
    slow = run.simulator('--mail', run.dir / 'mail', '--latency', 60000, name='slow', archive=sim.archive)
    writer = run.start('archive', slow.profile('slow.yaml', mailboxes={'from': 'list', 'list': ['anna@sim.example']}))
    harness.check(slow.wait_for('token', 1), 'the run has begun')
    told = None
    while told is None or 'lock' not in told:  # it opens the archive right after its first token
        harness.check(writer.process.poll() is None, 'the run goes on')
        told = look(run, sim.profile())
    harness.contains('the lock', told['lock'][0]['text'], f'process {writer.pid}')
    writer.signal(2)
    writer.end()


def a_certificate_about_to_expire_is_a_warning(run):
    made = run.exarch('cert', 'create', '--out', run.dir / 'own', '--days', 20, '--json').objects()[0]
    sim = serve(run, '--register', made['upload'])
    told = look(run, sim.profile(source={'auth': {'certificate': made['certificate'], 'key': made['key']}}))
    harness.same('the certificate', told['certificate'][0]['state'], 'warning')
    harness.contains('its remedy', told['certificate'][0]['remedy'], 'exarch cert create')


def a_certificate_that_has_expired_is_named(run):
    certificate, key = certificates.make(run.dir, 'old', days=-1)
    sim = serve(run, '--register', certificate)
    told = look(run, sim.profile(source={'auth': {'certificate': str(certificate), 'key': str(key)}}), expect=harness.SIGN_IN)
    is_named(told, 'credentials', ('expired on', str(certificate)), ('exarch cert create', 'upload'))
    harness.same('asked for a token', token_requests(sim), 0)


def a_disk_that_is_nearly_full_is_named(run):
    if os.getuid() != 0:
        raise harness.Skip('only root may mount a small disk')
    disk = run.dir / 'disk'
    disk.mkdir()
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1g', 'tmpfs', disk], stderr=subprocess.DEVNULL).returncode != 0:
        raise harness.Skip('mounting is not allowed here')
    run.cleanup.callback(subprocess.run, ['umount', '-l', disk], check=False)
    profile = serve(run).profile(archive=str(disk / 'archive'))
    warned = look(run, profile)['disk'][0]
    harness.same('1 GiB is', warned['state'], 'warning')
    harness.contains('its remedy', warned['remedy'], 'make room', 'exarch compact')
    subprocess.run(['mount', '-o', 'remount,size=400m', disk], check=True)
    is_named(look(run, profile, expect=harness.FAILED), 'disk', ('free',), ('make room', 'a larger disk'))
    subprocess.run(['mount', '-o', 'remount,size=4g,nr_inodes=20', disk], check=True)
    is_named(look(run, profile, expect=harness.FAILED), 'disk', ('hardly an inode',), ('inodes',))


if __name__ == '__main__':
    harness.main(when_all_is_well_nothing_failed_and_nothing_is_made,
                 people_read_one_line_for_each_finding,
                 a_bad_profile_is_told_with_its_line,
                 a_certificate_that_was_not_uploaded_is_named_with_its_thumbprint,
                 a_wrong_secret_tenant_or_application_is_named,
                 missing_consent_is_named,
                 what_the_sign_in_service_refuses_for_is_named,
                 a_role_that_groups_need_is_named,
                 a_wrong_role_is_named,
                 a_clock_off_by_an_hour_is_named,
                 a_mailbox_without_licence_or_without_existence_is_named,
                 an_account_without_an_address_is_named,
                 a_mailbox_that_may_not_be_impersonated_is_named,
                 a_key_that_others_may_read_is_named,
                 a_wrong_endpoint_is_named,
                 a_name_that_nobody_knows_is_named,
                 a_port_that_does_not_speak_tls_is_named,
                 ews_that_is_switched_off_is_named,
                 ews_that_is_switched_off_for_one_mailbox_is_named,
                 a_server_of_ones_own_is_looked_at_too,
                 an_archive_that_is_not_there_or_does_not_open_is_named,
                 an_archive_in_use_is_a_warning,
                 a_certificate_about_to_expire_is_a_warning,
                 a_certificate_that_has_expired_is_named,
                 a_disk_that_is_nearly_full_is_named,
                 short=(when_all_is_well_nothing_failed_and_nothing_is_made, missing_consent_is_named))
