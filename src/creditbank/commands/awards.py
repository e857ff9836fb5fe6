"""Award certificates: one, or up to thousands of lines at once, by the same set-based path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

from creditbank.commands import documents
from creditbank.commands.accounts import begin
from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs
from creditbank.domain import certificates, errors
from creditbank.domain.account import Head
from creditbank.domain.certificates import Award
from creditbank.domain.errors import BankError
from creditbank.domain.events import CertificateAwarded
from creditbank.domain.lot import lot_of
from creditbank.vault.persons import Holder

Rendered = tuple[int, dict[str, Any]]
"""Status and problem document of a refused line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardLine:
    """One certificate and its holder: a person, or the id of an account."""

    award: Award
    holder: Holder | UUID


def _needs(lines: Sequence[AwardLine]) -> Needs:
    return Needs(
        documents=[line.holder.document for line in lines if isinstance(line.holder, Holder)],
        accounts=[line.holder for line in lines if isinstance(line.holder, UUID)],
        certificates=[line.award.certificate_id for line in lines],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardCertificate:
    """Award one certificate. A person without an account gets one."""

    line: AwardLine

    def needs(self) -> Needs:
        return _needs([self.line])

    def run(self, draft: Draft) -> Answer:
        account_id, awarded = _award(draft, self.line)
        lot = lot_of(awarded, draft.head(account_id).version)
        return Answer(status=201, body=documents.certificate(lot, account_id, draft.unit.today))


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardBatch:
    """Award many, with a verdict per line in their order. A line that could not be read comes as its refusal.

    `partial`: what is fit is written. `atomic`: all or nothing. A dry run says what would be.
    `first` is the index of the first line, where these are part of a longer list.
    """

    lines: Sequence[AwardLine | BankError]
    mode: Literal["partial", "atomic"]
    dry_run: bool
    render: Callable[[BankError], Rendered]
    first: int = 0

    def needs(self) -> Needs:
        return _needs([line for line in self.lines if isinstance(line, AwardLine)])

    def part(self, start: int, stop: int) -> AwardBatch:
        """The same for some of the lines."""
        return replace(self, lines=self.lines[start:stop], first=start)

    def run(self, draft: Draft) -> Answer:
        results: list[dict[str, Any]] = []
        positions: list[tuple[dict[str, Any], int]] = []
        for index, line in enumerate(self.lines, self.first):
            try:
                account_id, awarded = _award(draft, _readable(line))
            except BankError as refusal:
                results.append(self._refused(index, refusal))
                continue
            result = {
                "index": index,
                "status": 201,
                "certificate_id": str(awarded.certificate_id),
                "account_id": str(account_id),
            }
            results.append(result)
            positions.append((result, len(draft.entries) - 1))
        refused = len(results) - len(positions)
        if self.mode == "atomic" and refused:
            draft.drop()
            results = [self._not_attempted(result) for result in results]
            positions, refused = [], len(results)
        if self.dry_run:
            draft.drop()
            return _batch_answer(results, [], refused)
        return _batch_answer(results, positions, refused)

    def _refused(self, index: int, refusal: BankError) -> dict[str, Any]:
        status, problem = self.render(refusal)
        return {"index": index, "status": status, "problem": problem}

    def _not_attempted(self, result: dict[str, Any]) -> dict[str, Any]:
        if "problem" in result:
            return result
        return {"index": result["index"], "status": 424, "problem": self.render(errors.NotAttempted())[1]}


def _readable(line: AwardLine | BankError) -> AwardLine:
    if isinstance(line, BankError):
        raise line
    return line


def _batch_answer(results: list[dict[str, Any]], positions: list[tuple[dict[str, Any], int]], refused: int) -> Answer:
    body = {"results": results, "accepted": len(results) - refused, "refused": refused}
    return Answer(status=207, body=body, lines=positions)


def _award(draft: Draft, line: AwardLine) -> tuple[UUID, CertificateAwarded]:
    account_id = _account_of(draft, line.holder)
    claimed_by = draft.holder(line.award.certificate_id)
    head = Head(account_id=draft.unit.bank.new_id(), version=1) if account_id is None else draft.head(account_id)
    awarded = certificates.award(head, line.award, claimed_by, draft.catalogue, draft.unit.today)
    if account_id is None and isinstance(line.holder, Holder):
        begin(draft, head.account_id, line.holder, line.award.issuer)
    draft.append(head.account_id, awarded)
    draft.holders[awarded.certificate_id] = head.account_id
    return head.account_id, awarded


def _account_of(draft: Draft, holder: Holder | UUID) -> UUID | None:
    return holder if isinstance(holder, UUID) else draft.account_of(holder.document)
