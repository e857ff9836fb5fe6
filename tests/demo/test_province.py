"""The province has as many schools and organisations as Hubei's plan, and says which of them are invented."""

from __future__ import annotations

from collections import Counter

from creditbank.api.requests.catalogue import OrganisationBody, ProgrammeBody, StandardBody
from creditbank.api.requests.certificates import CertificateBody
from creditbank.demo.awards import certificates, use_of
from creditbank.demo.loading import BATCH, batches
from creditbank.demo.province import programmes_of, province
from creditbank.domain.identifiers import contradictions


def test_there_are_220_schools_and_73_organisations_each_once() -> None:
    bodies = [*province().schools, *(issuer.registration for issuer in province().issuers)]
    assert (len(province().schools), len(province().issuers)) == (220, 73)
    assert len({body["code"] for body in bodies}) == len({body["name"] for body in bodies}) == 293


def test_everything_invented_says_so() -> None:
    invented = [*province().schools, *(issuer.registration for issuer in province().skill_issuers)]
    assert [body["name"] for body in invented if "示例" not in body["name"]] == []
    assert all(body["region"] == "HB" for body in invented)


def test_the_first_two_batches_are_complete() -> None:
    titles = [standard["title"] for issuer in province().x_issuers for standard in issuer.standards]
    assert (len(province().x_issuers), len(titles)) == (15, 16)
    assert Counter(issuer.since for issuer in province().x_issuers) == {"2019-04-01": 5, "2019-09-01": 10}
    care = next(body for body in province().standards if body["title"] == "老年照护")
    assert care["aliases"] == ["养老照护"]


def test_every_body_is_one_that_the_bank_reads() -> None:
    for school in province().schools:
        OrganisationBody.model_validate(school)
    for issuer in province().issuers:
        OrganisationBody.model_validate(issuer.registration)
    for standard in province().standards:
        StandardBody.model_validate(standard)
    for college in province().colleges:
        for programme in programmes_of(college):
            ProgrammeBody.model_validate(programme)
    for _, certificate in certificates(province(), 300):
        CertificateBody.model_validate(certificate)


def test_certificate_numbers_are_distinct_and_contradict_nothing() -> None:
    bodies = [CertificateBody.model_validate(body) for _, body in certificates(province(), 2_000)]
    assert len({(body.issuer, body.number) for body in bodies}) == len(bodies)
    assert [body for body in bodies if contradictions(body.number, body.level, body.issued_on, "S")] == []


def test_one_learner_in_fifty_asks_for_exemption_and_one_for_conversion() -> None:
    asked = Counter(use_of(number) for number in range(10_000))
    assert (asked["exemption"], asked["conversion"]) == (40, 40)


def test_a_batch_is_of_one_organisation_and_no_line_is_lost() -> None:
    lines = [(number, {"issuer": f"E{number % 3}"}) for number in range(BATCH * 4)]
    made = list(batches(lines))
    assert sorted(line[0] for batch in made for line in batch) == list(range(BATCH * 4))
    assert all(len({body["issuer"] for _, body in batch}) == 1 and len(batch) <= BATCH for batch in made)
