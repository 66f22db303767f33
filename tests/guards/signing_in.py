"""What lets the right people in, and nobody else."""

from tests.guards.guard import Guard

OIDC = "services/kit/oidc.py"
SIGN_IN = "services/directory/signin.py"
ACCESS = "services/kit/access.py"
PROVIDER = "tests/oidc/test_provider.py"
BEARER = "tests/oidc/test_bearer.py"
THERE_AND_BACK = "tests/oidc/test_signing_in.py"
DIRECTORY = "tests/directory/test_signing_in.py"

GUARDS = (
    Guard(
        OIDC,
        'if not secrets.compare_digest(query.get("state", "").encode(), pending.state.encode()):',
        "if False:",
        f"{PROVIDER}::test_who_comes_back_must_be_who_left[state]",
        "Who comes back is who left: the state is theirs.",
    ),
    Guard(
        OIDC,
        '{"nonce": nonce, "client_id": self.client_id, ',
        '{"client_id": self.client_id, ',
        f"{PROVIDER}::test_who_comes_back_must_be_who_left[nonce]",
        "An ID token is of this sign-in: the nonce is its own.",
    ),
    Guard(
        OIDC,
        "code_challenge=create_s256_code_challenge(pending.verifier)",
        "code_challenge=create_s256_code_challenge('x' * 43)",
        f"{PROVIDER}::test_a_person_arrives[samtid]",
        "The provider is told the challenge of the verifier that follows (PKCE).",
    ),
    Guard(
        OIDC,
        "        if issuer != self.issuer:\n",
        "        if False:\n",
        f"{PROVIDER}::test_an_answer_that_lacks_something_is_none[change2]",
        "The answer comes from the issuer that was asked (RFC 9207).",
    ),
    Guard(
        OIDC,
        'if token["aud"] not in (self.client_id, [self.client_id]):',
        "if False:",
        f"{PROVIDER}::test_a_claim_that_is_wrong_or_missing_is_refused_though_the_issuer_signed_it[claims3-aud]",
        "An ID token for others too is none for us.",
    ),
    Guard(
        OIDC,
        '{"iss": {"essential": True, "value": self.issuer}, "aud": {"essential": True, "value": self.client_id}},',
        '{"iss": {"essential": True}, "aud": {"essential": True, "value": self.client_id}},',
        f"{PROVIDER}::test_a_claim_that_is_wrong_or_missing_is_refused_though_the_issuer_signed_it[claims0-iss]",
        "An ID token is this issuer's.",
    ),
    Guard(
        OIDC,
        "token.validate(now=self._now(), leeway=LEEWAY_SECONDS)",
        "pass",
        f"{PROVIDER}::test_a_token_has_its_time[expired]",
        "An ID token has its time.",
    ),
    Guard(
        OIDC,
        'frozenset({"RS256", "PS256", "ES256"})',
        'frozenset({"RS256", "PS256", "ES256", "HS256"})',
        f"{PROVIDER}::test_an_issuer_that_signs_with_the_secret_is_refused",
        "No shared secret signs a token.",
    ),
    Guard(
        OIDC,
        "if self.acr and acr not in self.acr:",
        "if False:",
        f"{PROVIDER}::test_a_low_or_unknown_assurance_level_is_refused_until_the_person_proves_more[loa2]",
        "A low level of assurance does not suffice.",
    ),
    Guard(
        OIDC,
        "if self.acr and acr not in self.acr:",
        "if self.acr and acr and acr not in self.acr:",
        f"{PROVIDER}::test_a_low_or_unknown_assurance_level_is_refused_until_the_person_proves_more[]",
        "A level of assurance that is not told does not suffice.",
    ),
    Guard(
        OIDC,
        "if organisation in self.organisations}",
        "if organisation}",
        f"{PROVIDER}::test_of_several_affiliations_the_one_with_our_organisation_counts",
        "Another organisation's people are not ours.",
    ),
    Guard(
        OIDC,
        "if len(values) != 1 or not",
        "if not values or not",
        f"{PROVIDER}::test_a_claim_that_names_no_one_person_is_nobody[two values]",
        "A claim that names two is nobody.",
    ),
    Guard(
        OIDC,
        'aud={"essential": True, "value": self.audience},',
        'aud={"essential": True},',
        f"{BEARER}::test_a_token_for_another_api_is_refused",
        "An access token is for this API.",
    ),
    Guard(
        OIDC,
        '                iss={"essential": True, "value": self.issuer},\n',
        '                iss={"essential": True},\n',
        f"{BEARER}::test_a_token_of_another_issuer_is_refused_though_it_has_the_same_keys",
        "An access token is this issuer's.",
    ),
    Guard(
        OIDC,
        '                exp={"essential": True},\n',
        "",
        f"{BEARER}::test_a_token_lacks_nothing[exp]",
        "An access token has an end.",
    ),
    Guard(
        OIDC,
        "            if metadata.issuer != self.issuer:\n",
        "            if False:\n",
        f"{PROVIDER}::test_an_issuer_that_publishes_nonsense_is_no_issuer[{{'issuer': 'https://elsewhere.example'}}]",
        "What an issuer publishes is its own.",
    ),
    Guard(
        OIDC,
        "if self.failed and now - self.failed < LEFT_IN_PEACE:",
        "if False:",
        f"{PROVIDER}::test_a_provider_that_is_away_is_said_so_and_left_in_peace",
        "A provider that is away is left in peace.",
    ),
    Guard(
        OIDC,
        "known = await self._published.within(KEYS_LOOKED_FOR)",
        "known = await self._published.within(timedelta(0))",
        f"{PROVIDER}::test_keys_that_nobody_knows_are_looked_for_seldom",
        "Keys that nobody knows are looked for seldom.",
    ),
    Guard(
        SIGN_IN,
        'return path.startswith("/") and not path.startswith(("//", "/\\\\")) and path.isprintable()',
        'return path.startswith("/") and path.isprintable()',
        f"{DIRECTORY}::test_signing_in_leads_to_a_page_of_ours_alone",
        "Signing in leads to no other site.",
    ),
    Guard(
        SIGN_IN,
        "return left if running.clock().timestamp() - left.at < PENDING_LASTS.total_seconds() else None",
        "return left",
        f"{THERE_AND_BACK}::test_whoever_comes_back_too_late_begins_again",
        "Whoever comes back too late begins again.",
    ),
    Guard(
        SIGN_IN,
        'return settings.environment == "demo" and settings.oidc_issuer is None',
        "return settings.oidc_issuer is None",
        f"{DIRECTORY}::test_a_person_cannot_be_chosen_outside_the_demo",
        "Nobody is chosen outside the demo.",
    ),
    Guard(
        SIGN_IN,
        'return settings.environment == "demo" and settings.oidc_issuer is None',
        'return settings.environment == "demo"',
        f"{THERE_AND_BACK}::test_in_a_demo_with_a_provider_nobody_is_chosen",
        "Nobody is chosen where there is a provider.",
    ),
    Guard(
        SIGN_IN,
        "        await end_sessions(running, person.id, running.clock())\n",
        "        pass\n",
        f"{DIRECTORY}::test_signing_out_ends_the_session_everywhere",
        "Signing out ends the session everywhere.",
    ),
    Guard(
        ACCESS,
        "if staff is None or (staff.sessions_after and session.begun < staff.sessions_after):",
        "if staff is None:",
        f"{DIRECTORY}::test_signing_out_ends_the_session_everywhere",
        "A session that was ended is none.",
    ),
    Guard(
        ACCESS,
        "if staff is None or (staff.sessions_after and identity.issued < staff.sessions_after):",
        "if staff is None:",
        f"{THERE_AND_BACK}::test_a_token_ends_with_the_sessions",
        "A token ends with the sessions.",
    ),
    Guard(
        ACCESS,
        "        if not person.has(*self.roles):\n",
        "        if False:\n",
        f"{DIRECTORY}::test_strangers_and_colleagues_without_the_role_see_no_staff",
        "A route lets in the roles that it names.",
    ),
    Guard(
        ACCESS,
        "        raise FormExpired\n",
        "        pass\n",
        f"{DIRECTORY}::test_a_form_without_its_token_changes_nothing_and_can_be_sent_again",
        "A form of staff carries the token of its session.",
    ),
    Guard(
        "services/kit/session.py",
        'for each in cookie_header.split(";"))',
        "for each in [cookie_header])",
        "tests/inputs/test_cookies.py::test_a_strangers_cookie_neither_ends_a_session_nor_makes_one[__Host-samtid=x]",
        "Another cookie of our own name signs nobody out.",
    ),
    Guard(
        ACCESS,
        "running.sessions.read(cookies_of(request.headers), now)",
        'running.sessions.read(request.headers.get("cookie", ""), now)',
        "tests/inputs/test_cookies.py::test_on_no_page_do_strangers_cookies_change_what_one_gets[directory]",
        "A session is found in whichever Cookie header it is.",
    ),
)
