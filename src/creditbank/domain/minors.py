"""Children under 14, whose data are sensitive (PIPL, articles 28 and 31): an account needs a guardian's consent."""

from __future__ import annotations

from datetime import date

from creditbank.domain import errors

AGE_OF_OWN_CONSENT = 14


def born_on(document_type: str, number: str, stated: date | None) -> date | None:
    """The day of birth: that in the document's normalised number where it has one, else the stated one."""
    # Resident identity cards, and permanent residents' cards of the same build (GB 11643): signs 7 to 14.
    if document_type in ("CN-RIC", "CN-FPR") and len(number) == 18:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    return stated


def age_on(born: date, day: date) -> int:
    """Full years of age, which one more is on the birthday itself."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def require_guardian(born: date | None, guardian_consent: bool, today: date) -> None:
    """Raise GuardianConsentRequired for a child under 14 whose guardian has not agreed."""
    if born is not None and age_on(born, today) < AGE_OF_OWN_CONSENT and not guardian_consent:
        raise errors.GuardianConsentRequired()
