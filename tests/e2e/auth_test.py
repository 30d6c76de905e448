# SPDX-License-Identifier: Apache-2.0
"""Every way to sign in, and tokens that run out during a run."""
import collections

import harness
import mail

MAILBOXES = ('anna@sim.example', 'bert@sim.example')
BASIC = ('--basic', 'admin@sim.example:right horse')
LISTED = {'from': 'list', 'list': list(MAILBOXES)}


def two_mailboxes(run):
    return mail.write(run.dir / 'mail', {
        'anna/Inbox/one.eml': 'one', 'anna/Inbox/Sub/two.eml': 'two', 'bert/Sent Items/three.eml': 'three'})


def check_all_there(run, sim, profile):
    summary = run.archive(profile)
    harness.same('archived', summary['archived'], 3)
    harness.same('unexplained', summary['unexplained'], 0)
    harness.same_multiset('messages exported', collections.Counter(run.export(sim.archive)),
                          collections.Counter(mail.of_files(run.dir / 'mail')))


def assertion(kind):
    return {'source': {'auth': {'assertion': kind}}}


def a_certificate_signs_in_with_ps256(run):
    sim = run.simulator('--mail', two_mailboxes(run))
    check_all_there(run, sim, sim.profile(**assertion('PS256')))


def a_certificate_signs_in_with_rs256(run):
    sim = run.simulator('--mail', two_mailboxes(run))
    check_all_there(run, sim, sim.profile(**assertion('RS256')))


def a_secret_in_a_file_signs_in(run):
    sim = run.simulator('--mail', two_mailboxes(run))
    check_all_there(run, sim, sim.profile(sign_in='secret'))


def a_secret_from_a_command_signs_in(run):
    sim = run.simulator('--mail', two_mailboxes(run))
    command = f"cat '{sim.keys}/secret'"
    check_all_there(run, sim, sim.profile(
        sign_in='secret', source={'auth': {'secret_file': None, 'secret_command': command}}))


def basic_signs_in_over_tls(run):
    sim = run.simulator('--mail', two_mailboxes(run), *BASIC)
    check_all_there(run, sim, sim.profile(sign_in='basic', mailboxes=LISTED))


def basic_signs_in_without_tls_on_this_machine(run):
    sim = run.simulator('--mail', two_mailboxes(run), *BASIC, '--plain')
    check_all_there(run, sim, sim.profile(sign_in='basic', mailboxes=LISTED))


def the_profile_written_for_basic_works_as_it_is(run):
    sim = run.simulator('--mail', two_mailboxes(run), *BASIC)
    check_all_there(run, sim, sim.written_profile)


def a_token_is_fetched_once_for_each_service(run):
    sim = run.simulator('--mail', two_mailboxes(run))
    run.archive(sim.written_profile, '--threads', 8)
    harness.same('token requests', len(sim.requests_of('token')), 2)


def tokens_that_run_out_are_renewed_during_the_run(run):
    # One item a request, each a fifth of a second late: the run outlasts several tokens.
    folder = mail.write(run.dir / 'mail', {f'anna/Inbox/{n}.eml': f'message {n}' for n in range(30)})
    sim = run.simulator('--mail', folder, '--token-lifetime', 2, '--latency', 200)
    summary = run.archive(sim.profile(run={'threads': 1, 'batch_items': 1}))
    harness.same('archived', summary['archived'], 30)
    harness.same('failed', summary['failed'], 0)
    harness.check(len(sim.requests_of('token')) > 2, 'tokens were fetched again')


def no_output_holds_a_secret(run):
    sim = run.simulator('--mail', two_mailboxes(run), *BASIC)
    secret = harness.application()[2]
    for sign_in, hidden in (('secret', secret), ('basic', 'right horse')):
        profile = sim.profile(sign_in=sign_in, mailboxes=LISTED, archive=str(run.dir / sign_in))
        for args in (('config', 'show', profile), ('config', 'check', profile), ('archive', profile, '--json'),
                     ('mailboxes', profile)):
            result = run.exarch(*args)
            harness.check(hidden not in result.out + result.err, f'{result}: the secret is printed')


if __name__ == '__main__':
    harness.main(a_certificate_signs_in_with_ps256,
                 a_certificate_signs_in_with_rs256,
                 a_secret_in_a_file_signs_in,
                 a_secret_from_a_command_signs_in,
                 basic_signs_in_over_tls,
                 basic_signs_in_without_tls_on_this_machine,
                 the_profile_written_for_basic_works_as_it_is,
                 a_token_is_fetched_once_for_each_service,
                 tokens_that_run_out_are_renewed_during_the_run,
                 no_output_holds_a_secret,
                 short=(a_certificate_signs_in_with_ps256, basic_signs_in_over_tls,
                        tokens_that_run_out_are_renewed_during_the_run))
