# SPDX-License-Identifier: Apache-2.0
"""Servers of one's own: NTLM and Basic against a server that was written from the documents (ntlm_server.py), and Autodiscover
over real host names, behind a proxy that knows where they are."""
import base64
import collections
import os
import pathlib
import signal
import urllib.parse

import certificates
import harness
import mail
import ntlm_server as server

USER, PASSWORD = 'CONTOSO\\svc-exarch', 'right horse'
SIM_USER, SIM_PASSWORD = 'admin@sim.example', 'another one'
NAMES = ('localhost', 'contoso.example', 'autodiscover.contoso.example', 'mail.contoso.example', 'autodiscover.fabrikam.example')
POX, SOAP = '/autodiscover/autodiscover.xml', '/autodiscover/autodiscover.svc'


def json_path(address):
    return f'/autodiscover/autodiscover.json/v1.0/{urllib.parse.quote(address, safe="").lower()}'


def authority(run):
    """A CA and a server's certificate for all names; gives (ssl context, path of the CA)."""
    ca, key, request, crt = (run.dir / f'front.{end}' for end in ('ca.pem', 'key', 'csr', 'crt'))
    extensions = run.dir / 'front.ext'
    extensions.write_text('subjectAltName=' + ','.join(f'DNS:{name}' for name in NAMES) + '\n')
    for args in (['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=Test CA', '-keyout', f'{ca}.key',
                  '-out', ca],
                 ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=front', '-keyout', key, '-out', request],
                 ['x509', '-req', '-in', request, '-CA', ca, '-CAkey', f'{ca}.key', '-CAcreateserial', '-days', '2', '-extfile',
                  extensions, '-out', crt]):
        certificates.openssl(*args)
    context = server.ssl.SSLContext(server.ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    return context, ca


class Stage:
    """A simulator, and the front before it."""

    def __init__(self, run, kind, mailboxes, answers=None, **how):
        self.run, self.kind = run, kind
        self.folder = mail.write(run.dir / 'mail', mailboxes)
        self.sim = run.simulator('--mail', self.folder, '--basic', f'{SIM_USER}:{SIM_PASSWORD}', '--plain')
        self.tls, self.ca = authority(run)
        self.front = self.add_front(kind, answers, **how)
        self.password_file = run.dir / 'password'
        self.set_password(PASSWORD)

    def add_front(self, kind, answers=None, tls=True, **how):
        front = server.Front(kind, {USER: PASSWORD}, (self.sim.url, SIM_USER, SIM_PASSWORD, None), self.tls if tls else None,
                             answers, **how)
        self.run.cleanup.callback(front.stop)
        return front

    def add_proxy(self, places):
        proxy = server.Proxy(places)
        self.run.cleanup.callback(proxy.stop)
        return proxy

    def set_password(self, password):
        self.password_file.write_text(password + '\n')
        self.password_file.chmod(0o600)

    def profile(self, mailboxes, source=None, **changes):
        """The endpoint is the front's unless SOURCE says otherwise."""
        auth = {'kind': self.kind, 'user': USER, 'password_file': str(self.password_file)}
        whole = {'kind': 'ews', 'tls_ca': str(self.ca), 'auth': auth}
        whole.update(source or {'endpoint': f'{self.front.url}/EWS/Exchange.asmx'})
        profile = self.sim.profile(sign_in='basic', mailboxes={'from': 'list', 'list': list(mailboxes)}, source=None, **changes)
        text = harness.json.loads(pathlib.Path(profile).read_text())
        text['source'] = whole
        pathlib.Path(profile).write_text(harness.json.dumps(text, indent=2))
        return profile


def environment(proxy=None):
    """Without the proxies of whoever runs the tests."""
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith('_proxy')}
    if proxy is not None:
        env.update(https_proxy=proxy.url, http_proxy=proxy.url)
    return env


def many(count, domain='sim.example'):
    boxes = [f'box{n}@{domain}' for n in range(count)]
    return boxes, {f'{box}/Inbox/{n}.eml': f'message {n} of {box}' for box in boxes for n in range(6)}


def check_archived(run, stage, profile, env, count):
    summary = run.archive(profile, env=env)
    harness.same('archived', summary['archived'], count)
    harness.same('unexplained', summary['unexplained'], 0)
    harness.same_multiset('messages exported', collections.Counter(run.export(stage.sim.archive)),
                          collections.Counter(mail.of_files(stage.folder)))


def hides_password(result, *others):
    for hidden in (PASSWORD, *others):
        harness.check(hidden not in result.out + result.err, f'{result}: a password is printed')


# ---- signing in ----


def ntlm_signs_in_each_connection_once(run):
    boxes, mails = many(4)
    stage = Stage(run, 'ntlm', mails)
    check_archived(run, stage, stage.profile(boxes, run={'threads': 4, 'batch_items': 1}), environment(), 24)
    log = stage.front.log
    harness.same('refused', log['bad'], 0)
    harness.same('signed in', log['good'], log['handshakes'])
    harness.check(log['handshakes'] <= log['connections'], f'a connection signed in twice: {log}')
    harness.check(log['connections'] <= 6, f'connections are kept: {log}')  # 4 threads, one for the question before
    harness.check(log['signed in already'] > 4 * log['handshakes'], f'connections stay signed in: {log}')


def ntlm_signs_in_again_when_the_server_closes(run):
    boxes, mails = many(2)
    stage = Stage(run, 'ntlm', mails, close_after=3)
    check_archived(run, stage, stage.profile(boxes, run={'threads': 2, 'batch_items': 1}), environment(), 12)
    log = stage.front.log
    harness.same('refused', log['bad'], 0)
    harness.check(log['handshakes'] >= 4, f'each connection serves three requests: {log}')


def ntlm_signs_in_without_tls_on_this_machine(run):
    boxes, mails = many(1)
    stage = Stage(run, 'ntlm', mails, tls=False)
    check_archived(run, stage, stage.profile(boxes), environment(), 6)


def basic_signs_in_behind_the_same_front(run):
    boxes, mails = many(2)
    stage = Stage(run, 'basic', mails)
    check_archived(run, stage, stage.profile(boxes), environment(), 12)
    harness.same('refused', stage.front.log['bad'], 0)


def check_one_refusal(run, kind):
    boxes, mails = many(4)
    stage = Stage(run, kind, mails)
    profile = stage.profile(boxes, run={'threads': 8})
    for archived_before in (False, True):
        if archived_before:
            stage.set_password(PASSWORD)
            run.archive(profile, env=environment())
        before = stage.front.log['bad']
        stage.set_password('wrong horse')
        result = run.exarch('archive', profile, expect=harness.SIGN_IN, env=environment())
        harness.same(f'refusals, which lock accounts (archive there: {archived_before})', stage.front.log['bad'] - before, 1)
        harness.same('lines of stderr', len(result.err.strip().split('\n')), 1)
        harness.contains('stderr', result.err, USER, 'password')
        hides_password(result, 'wrong horse')


def a_wrong_ntlm_password_is_tried_once(run):
    check_one_refusal(run, 'ntlm')


def trouble_that_passes_does_not_end_a_run_at_its_first_question(run):
    boxes, mails = many(2)
    stage = Stage(run, 'basic', mails)
    run.archive(stage.profile(boxes), env=environment())
    answers = [server.unasked(lambda request: (503, {'Retry-After': '1'}, b''))]
    with stage.front.lock:  # the next request alone
        stage.front.once = answers
    summary = run.archive(stage.profile(boxes), env=environment())
    harness.same('answers given', answers, [])
    harness.same('failed mailboxes', summary['mailboxes_failed'], 0)


def a_wrong_basic_password_is_tried_once(run):
    check_one_refusal(run, 'basic')


def a_password_ntlm_cannot_carry_is_refused_before_it_is_tried(run):
    boxes, mails = many(1)
    stage = Stage(run, 'ntlm', mails)
    stage.set_password('größer')
    result = run.exarch('archive', stage.profile(boxes), expect=harness.USAGE, env=environment())
    harness.same('connections', stage.front.log['connections'], 0)
    harness.contains('stderr', result.err, 'ASCII', 'negotiate')
    hides_password(result, 'größer')


def a_proxy_sees_no_password(run):
    boxes, mails = many(1)
    stage = Stage(run, 'ntlm', mails)
    for kind, front in (('ntlm', stage.front), ('basic', stage.add_front('basic'))):
        stage.kind = kind
        proxy = stage.add_proxy({('mail.contoso.example', 443): front.port})
        profile = stage.profile(boxes, source={'endpoint': 'https://mail.contoso.example/EWS/Exchange.asmx'},
                                archive=str(run.dir / kind))
        run.archive(profile, env=environment(proxy))
        harness.check(('CONNECT', 'mail.contoso.example', 443) in proxy.log, 'the proxy was used')
        coded = base64.b64encode(f'{USER}:{PASSWORD}'.encode())
        for hidden in (b'Authorization', b'NTLMSSP', b'TlRMTVNT', coded, PASSWORD.encode(), b'/EWS/Exchange.asmx'):
            harness.check(hidden not in proxy.seen, f'{kind}: the proxy saw {hidden}')


def what_goes_in_clear_to_this_machine_passes_no_proxy(run):
    boxes, mails = many(1)
    stage = Stage(run, 'basic', mails, tls=False)
    proxy = stage.add_proxy({})
    run.archive(stage.profile(boxes), env=environment(proxy))
    harness.same('asked of the proxy', proxy.log, [])


def a_run_that_is_stopped_goes_on_later(run):
    boxes, mails = many(2)
    stage = Stage(run, 'ntlm', mails)
    profile = stage.profile(boxes, run={'threads': 2, 'batch_items': 1})
    process = run.start('archive', profile, '--json', env=environment())
    harness.check(stage.sim.wait_for('GetItem', 1, lambda: process.process.poll() is not None), 'the run began')
    harness.check(PASSWORD.encode() not in pathlib.Path(f'/proc/{process.pid}/cmdline').read_bytes(), 'the command line hides it')
    process.signal(signal.SIGTERM)
    process.end({harness.DONE, harness.STOPPED})
    run.archive(profile, env=environment())
    harness.same_multiset('messages exported', collections.Counter(run.export(stage.sim.archive)),
                          collections.Counter(mail.of_files(stage.folder)))


# ---- Autodiscover ----

ANNA = 'anna@contoso.example'
MAILS = {f'{ANNA}/Inbox/one.eml': 'one', f'{ANNA}/Sent Items/two.eml': 'two'}
EWS = 'https://mail.contoso.example/EWS/Exchange.asmx'


def discovering(run, kind, answers, places=('mail', 'autodiscover'), mails=None):
    """A stage whose names lead to the front; PLACES below contoso.example, '' is the domain itself."""
    stage = Stage(run, kind, mails or MAILS, answers)
    hosts = [f'{place}.contoso.example'.lstrip('.') for place in places]
    return stage, stage.add_proxy({(host, 443): stage.front.port for host in hosts})


def asked(stage, path):
    return [(host, authorized) for host, _, at, authorized in stage.front.requests if at.split('?')[0].lower() == path]


def check_discovered(run, stage, proxy):
    profile = stage.profile([ANNA], source={'autodiscover': True})
    check_archived(run, stage, profile, environment(proxy), 2)
    harness.same('refused', stage.front.log['bad'], 0)
    harness.contains('the tree', run.exarch('folders', profile, ANNA, env=environment(proxy)).out, '/Inbox')


def pox_finds_the_server_with_ntlm(run):
    stage, proxy = discovering(run, 'ntlm', {('autodiscover.contoso.example', POX): server.pox_settings(EWS)})
    check_discovered(run, stage, proxy)
    harness.check(('CONNECT', 'contoso.example', 443) in proxy.log, 'the domain itself was asked before')


def pox_finds_the_server_with_basic(run):
    stage, proxy = discovering(run, 'basic', {('autodiscover.contoso.example', POX): server.pox_settings(EWS)})
    check_discovered(run, stage, proxy)


def soap_finds_the_server(run):
    stage, proxy = discovering(run, 'ntlm', {('autodiscover.contoso.example', SOAP): server.soap_settings(EWS)})
    check_discovered(run, stage, proxy)


def json_finds_the_server_without_signing_in(run):
    path = json_path(ANNA)
    stage, proxy = discovering(run, 'basic', {('autodiscover.contoso.example', path): server.json_settings(EWS)})
    check_discovered(run, stage, proxy)
    harness.check(not any(authorized for _, authorized in asked(stage, path)), 'no credentials')


def redirects_are_followed(run):
    stage, proxy = discovering(run, 'ntlm', {
        ('autodiscover.contoso.example', POX): server.http_redirect(f'https://mail.contoso.example{POX}?again'),
        ('mail.contoso.example', POX): server.pox_settings(EWS)})
    check_discovered(run, stage, proxy)


def the_domains_website_is_no_hindrance_and_gets_no_password(run):
    for kind in ('basic', 'ntlm'):
        folder = harness.Run(run.dir / kind)
        folder.dir.mkdir()
        with folder.cleanup:
            stage, proxy = discovering(folder, kind, {
                ('contoso.example', POX): server.web_page(), ('contoso.example', SOAP): server.web_page(),
                ('autodiscover.contoso.example', POX): server.pox_settings(EWS)}, places=('', 'mail', 'autodiscover'))
            check_discovered(folder, stage, proxy)
            to_website = [authorized for host, authorized in asked(stage, POX) if host == 'contoso.example']
            harness.check(to_website, 'the website was asked')
            harness.check(kind == 'ntlm' or not any(to_website), 'the password goes to whoever asks for it')


def failed_search(run, stage, proxy, code, *words, source=None, boxes=(ANNA,)):
    profile = stage.profile(boxes, source=source or {'autodiscover': True})
    result = run.exarch('archive', profile, expect=code, env=environment(proxy))
    harness.contains('stderr', result.err, *words)
    harness.same('lines of stderr', len(result.err.strip().split('\n')), 1)
    harness.check(not (stage.sim.archive / 'FORMAT').exists(), 'no archive was made')
    hides_password(result)


def a_loop_ends_and_is_told(run):
    stage, proxy = discovering(run, 'ntlm', {
        ('contoso.example', POX): server.http_redirect(f'https://autodiscover.contoso.example{POX}'),
        ('autodiscover.contoso.example', POX): server.pox_redirect(f'https://contoso.example{POX}')},
        places=('', 'autodiscover'))
    failed_search(run, stage, proxy, harness.FAILED, 'leads back to', ANNA, 'source.endpoint')


def a_search_in_vain_names_what_each_answered(run):
    stage, proxy = discovering(run, 'ntlm', {('contoso.example', POX): server.web_page(),
                                             ('autodiscover.contoso.example', SOAP): server.soap_settings('ftp://mail/')},
                               places=('', 'autodiscover'))
    failed_search(run, stage, proxy, harness.FAILED, 'https://contoso.example: POX answer', 'SOAP HTTP 404', 'JSON HTTP 404',
                  'https://autodiscover.contoso.example: POX HTTP 404', 'SOAP names what is no https', 'source.endpoint')


def a_wrong_password_is_tried_once_at_each_host(run):
    stage, proxy = discovering(run, 'ntlm', {('*', POX): server.pox_settings(EWS), ('*', SOAP): server.soap_settings(EWS)},
                               places=('', 'autodiscover'))
    stage.set_password('wrong horse')
    failed_search(run, stage, proxy, harness.SIGN_IN, 'refuses the sign-in', 'NTLM')
    harness.same('refusals', stage.front.log['bad'], 2)


def what_plain_http_names_is_told_but_gets_no_password(run):
    target = 'https://mail.contoso.example'
    stage, proxy = discovering(run, 'basic', {('mail.contoso.example', POX): server.pox_settings(EWS)}, places=('', 'mail'))
    plain = stage.add_front('basic', {('*', POX): server.http_redirect(target + POX)}, tls=False)
    proxy.places['autodiscover.contoso.example', 80] = plain.port
    failed_search(run, stage, proxy, harness.FAILED, f'http://autodiscover.contoso.example: leads to {target}',
                  f'source.autodiscover: {target}')
    harness.same('asked at the host it names', asked(stage, POX).count(('mail.contoso.example', False)), 0)
    harness.same('what plain http got', [r[1:] for r in plain.requests], [('GET', POX, False)])
    profile = stage.profile([ANNA], source={'autodiscover': target + POX})  # the remedy
    check_archived(run, stage, profile, environment(proxy), 2)


def a_host_that_is_not_trusted_gets_no_password(run):
    stage, proxy = discovering(run, 'basic', {('*', POX): server.pox_settings(EWS)}, places=('autodiscover',))
    failed_search(run, stage, proxy, harness.SIGN_IN, 'certificate',
                  source={'autodiscover': True, 'tls_ca': str(stage.sim.keys / 'app.crt')})
    harness.same('requests', stage.front.requests, [])


def domains_with_different_servers_are_refused(run):
    other = 'https://mail2.fabrikam.example/EWS/Exchange.asmx'
    stage = Stage(run, 'ntlm', MAILS, {('autodiscover.contoso.example', POX): server.pox_settings(EWS),
                                       ('autodiscover.fabrikam.example', POX): server.pox_settings(other)})
    proxy = stage.add_proxy({(f'autodiscover.{name}.example', 443): stage.front.port for name in ('contoso', 'fabrikam')})
    failed_search(run, stage, proxy, harness.USAGE, EWS, other, 'one profile for each', boxes=(ANNA, 'bert@fabrikam.example'))


def a_domain_is_asked_for_once(run):
    mails = {**MAILS, **{f'box{n}@contoso.example/Inbox/a.eml': f'{n}' for n in range(5)}}
    stage, proxy = discovering(run, 'basic', {('autodiscover.contoso.example', POX): server.pox_settings(EWS)}, mails=mails)
    profile = stage.profile([ANNA, *(f'box{n}@contoso.example' for n in range(5))], source={'autodiscover': True})
    check_archived(run, stage, profile, environment(proxy), 7)
    harness.same('questions', asked(stage, POX), [('autodiscover.contoso.example', False), ('autodiscover.contoso.example', True)])


def a_mailbox_in_exchange_online_is_told(run):
    stage, proxy = discovering(run, 'ntlm', {('autodiscover.contoso.example', POX): server.pox_settings(
        'https://outlook.office365.com/EWS/Exchange.asmx')})
    failed_search(run, stage, proxy, harness.USAGE, 'Exchange Online', 'application')


if __name__ == '__main__':
    harness.main(ntlm_signs_in_each_connection_once,
                 ntlm_signs_in_again_when_the_server_closes,
                 ntlm_signs_in_without_tls_on_this_machine,
                 basic_signs_in_behind_the_same_front,
                 a_wrong_ntlm_password_is_tried_once,
                 a_wrong_basic_password_is_tried_once,
                 trouble_that_passes_does_not_end_a_run_at_its_first_question,
                 a_password_ntlm_cannot_carry_is_refused_before_it_is_tried,
                 a_proxy_sees_no_password,
                 what_goes_in_clear_to_this_machine_passes_no_proxy,
                 a_run_that_is_stopped_goes_on_later,
                 pox_finds_the_server_with_ntlm,
                 pox_finds_the_server_with_basic,
                 soap_finds_the_server,
                 json_finds_the_server_without_signing_in,
                 redirects_are_followed,
                 the_domains_website_is_no_hindrance_and_gets_no_password,
                 a_loop_ends_and_is_told,
                 a_search_in_vain_names_what_each_answered,
                 a_wrong_password_is_tried_once_at_each_host,
                 what_plain_http_names_is_told_but_gets_no_password,
                 a_host_that_is_not_trusted_gets_no_password,
                 domains_with_different_servers_are_refused,
                 a_domain_is_asked_for_once,
                 a_mailbox_in_exchange_online_is_told,
                 short=(ntlm_signs_in_each_connection_once, pox_finds_the_server_with_basic, a_loop_ends_and_is_told))
