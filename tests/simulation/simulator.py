"""A bank's life from one seed: what is asked, when, by whom, and every misfortune on the way.

Nothing here waits, and nothing runs beside it: the same seed gives the same steps and the same history, to the byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from random import Random

from sqlalchemy.exc import DBAPIError

from creditbank.audit.transparency.shelf import Forked
from creditbank.domain import errors
from creditbank.ledger import gather
from creditbank.ledger.database import snapshot
from tests.simulation import checks
from tests.simulation.actions.action import Wrong, require
from tests.simulation.actions.certificates import CarryJobOn
from tests.simulation.actions.people import Merge
from tests.simulation.actions.uses import Lapse
from tests.simulation.deliveries import Delivery, Outcome, is_first, named, stored, told
from tests.simulation.drawing import HOUR, Drawing
from tests.simulation.faults import Killed, Kind
from tests.simulation.installation import BEGINNING, PROCESSES, Clock, Ids, Installation, furnished
from tests.simulation.judge import Judge
from tests.simulation.memory import Database
from tests.simulation.model import Model, Moment

CHECK_EVERY = 100
EARLIEST = BEGINNING - 10 * 24 * HOUR


class Violation(AssertionError):
    """Something was not as it must be. Says the seed, and all steps that led there."""


@dataclass(frozen=True, slots=True)
class Backup:
    image: bytes
    published: int


class Simulation:
    """One seed. The database that it begins with and the kind of installation are ours, or broken on purpose."""

    def __init__(
        self, seed: int, folder: Path, image: bytes | None = None, kind: type[Installation] = Installation
    ) -> None:
        self.seed = seed
        self.trace: list[str] = []
        self.counts: Counter[str] = Counter()
        self.model = Model()
        self.clock = Clock()
        self._chance = Random(seed)
        self._ids = Ids(self._chance, self.clock)
        self.installation = kind(folder=folder, clock=self.clock, ids=self._ids)
        self.installation.begin(Database(image or furnished()))
        catalogue = self.installation.processes[0].bank.catalogue()
        issued = {one.registered.code: list(one.accreditations) for one in catalogue.organisations.values()}
        accreditations = {code: ids[0] for code, ids in issued.items() if ids}
        self._drawing = Drawing(self._chance, self._ids, self.model, accreditations)
        self._sent: list[Delivery] = []
        self._backup: Backup | None = None
        self.watch = checks.Watch()
        self._judge = Judge(self.model, self.watch, self.counts)

    def run(self, steps: int) -> None:
        """Raises Violation."""
        try:
            for number in range(1, steps + 1):
                self._step(number)
                if number % CHECK_EVERY == 0 or number == steps:
                    checks.everything(self.installation, self.model, self.watch, self._moment())
            checks.at_the_end(self.installation)
        except Exception as wrong:
            lines = "\n".join(self.trace)
            raise Violation(f"seed {self.seed}: {type(wrong).__name__}: {wrong}\n{lines}") from wrong

    def close(self) -> None:
        self.installation.end()
        self.installation.database.close()

    def digest(self) -> str:
        """The same for the same steps and the same history."""
        found = sha256("\n".join(self.trace).encode())
        for row in checks.history_rows(self.installation.engine):
            found.update(repr(row).encode())
        found.update((self.installation.processes[0].publisher.shelf.checkpoint() or "").encode())
        return found.hexdigest()

    def _moment(self) -> Moment:
        return Moment(self.clock.now, self.installation.processes[0].bank.today())

    def _ledger_moment(self) -> Moment:
        """When a write is decided now: the ledger's time stands still for as long as the clock is behind it."""
        bank = self.installation.processes[0].bank
        with snapshot(bank.engine) as connection:
            now = bank.now_in(connection)
        return Moment(now, bank.day_of(now))

    def _step(self, number: int) -> None:
        self.clock.now += self._chance.randrange(1_000, HOUR // 6)
        self.trace.append(f"{number} at {self.clock.now - BEGINNING:+}")
        kinds = {
            self._group: 78,
            self._jump: 12,
            self._publish: 5,
            self._restart: 2,
            self._take_backup: 1,
            self._restore: 2,
        }
        [kind] = self._chance.choices(list(kinds), list(kinds.values()))
        kind()
        for account_id, account in self.model.accounts.items():
            for certificate_id in account.overdrawn(self.clock.now):
                raise Wrong(f"{certificate_id} of {account_id} is overdrawn")

    def _say(self, text: str) -> None:
        self.trace.append(f"    {text}")

    # Writes

    def _group(self) -> None:
        at, size = self._ledger_moment(), self._chance.choices((1, 2, 3, 5), (60, 20, 12, 8))[0]
        deliveries: list[Delivery] = []
        for _ in range(size):
            deliveries += self._delivery(at)
        merges = any(isinstance(one.action, Merge) for one in deliveries)
        chores = [one for one in deliveries if isinstance(one.action, Lapse | CarryJobOn)]
        if chores and (merges or any(isinstance(one.action, CarryJobOn) for one in chores)):
            deliveries = chores[:1]  # they look for what is stored, not for what their own group is about to do
        self._deliver(deliveries, at)

    def _delivery(self, at: Moment) -> list[Delivery]:
        drawn = self._chance.random()
        if drawn < 0.10 and self._sent:
            earlier = self._chance.choice(self._sent[-40:])
            body = b"other" if self._chance.random() < 0.3 else b"same"
            self.counts["repetitions"] += 1
            return [replace(earlier, causation=self._ids(), fingerprint=body)]
        if drawn < 0.12:
            return [Delivery(action=None, key=f"broken-{len(self._sent)}", causation=self._ids())]
        first = Delivery(action=self._drawing.action(at), key=f"k{len(self._sent)}", causation=self._ids())
        self._sent.append(first)
        return [first, replace(first, causation=self._ids())] if drawn > 0.97 else [first]

    def _deliver(self, deliveries: Sequence[Delivery], at: Moment) -> None:
        process = self._chance.randrange(PROCESSES)
        outcomes = self._outcomes(process, deliveries)
        kept = stored(self.installation.engine, deliveries)
        waiting = Counter(one.key for one, outcome in zip(deliveries, outcomes, strict=True) if is_first(outcome))
        for delivery, outcome in zip(deliveries, outcomes, strict=True):
            self._say(f"process {process}, {delivery.key} {named(delivery)}: {told(outcome)}")
            waiting[delivery.key] -= is_first(outcome)
            # What a later one of the group did under the same key was not this one's doing.
            own = None if waiting[delivery.key] else kept.get(delivery.key)
            self._judge.judge(delivery, outcome, own, at, struck=self.installation.faults.struck > 0)

    def _outcomes(self, process: int, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        faults, desk = self.installation.faults, self.installation.processes[process].desk
        self._misfortune(25)
        try:
            return gather.results_of(desk.settle, [delivery.request() for delivery in deliveries])
        except Killed:
            faults.disarm()
            self._start_again("killed")
            return [None for _ in deliveries]
        finally:
            faults.disarm()

    def _misfortune(self, points: int) -> None:
        """Perhaps something will happen within so many points."""
        faults = self.installation.faults
        faults.struck = 0
        if self._chance.random() < 0.3:
            kind: Kind = self._chance.choices(("kill", "cut", "race"), (4, 3, 2))[0]
            after, times = self._chance.randrange(points), self._chance.choices((1, 2, 12), (8, 3, 1))[0]
            faults.arm(kind, after, times)
            self._say(f"{kind} after {after} points, {times} times")

    # Time, processes, backups

    def _jump(self) -> None:
        chance, now = self._chance, self.clock.now
        ends = [use.expires_at for _, use in self.model.uses() if use.status == "open" and use.expires_at]
        if ends and chance.random() < 0.6:
            self.clock.now = chance.choice(ends) + chance.choice((-1, 0, 1, HOUR))
        else:
            self.clock.now += chance.choice((-3 * 24 * HOUR, -24 * HOUR, -HOUR, -1, HOUR, 24 * HOUR, 10 * 24 * HOUR))
        self.clock.now = max(self.clock.now, EARLIEST)
        self.counts["times the clock was set back"] += self.clock.now < now
        self._say(f"the clock jumps by {self.clock.now - now:+}")

    def _restart(self) -> None:
        self._start_again("restarted")

    def _start_again(self, why: str) -> None:
        self._say(why)
        self.counts["restarts"] += 1
        self.installation.start()

    def _take_backup(self) -> None:
        self._backup = Backup(self.installation.database.image(), self.watch.size)
        self._say(f"backup, {self.watch.size} leaves are published")

    def _restore(self) -> None:
        """A backup from before something was published takes the place of the database, and is noticed."""
        backup, true = self._backup, self.installation.database
        if backup is None or backup.published >= self.watch.size:
            return
        self._say("the backup is restored")
        self.counts["restored backups"] += 1
        installation, at = self.installation, self._moment()
        installation.begin(Database(backup.image))
        checks.erased_stay_so(installation, self.watch)
        before = list(checks.history_rows(installation.engine))
        for process in installation.processes:
            request = Delivery(action=self._drawing.action(at), key="restored", causation=self._ids()).request()
            [outcome] = process.desk.settle([request])
            require(isinstance(outcome, errors.HistoryBehind), f"a restored backup was written to: {told(outcome)}")
        try:
            installation.processes[0].publisher.publish()
        except Forked:
            require(before == list(checks.history_rows(installation.engine)), "a restored backup was written to")
        else:
            raise Wrong("a fork was published")
        installation.database.close()
        installation.begin(true)

    # The public log

    def _publish(self) -> None:
        """A round, which may break off anywhere."""
        self._misfortune(90)
        publisher = self._chance.choice(self.installation.processes).publisher
        try:
            publisher.open()
            head = publisher.publish()
            self._say("nothing is new" if head is None else f"{head.size} leaves are published")
        except Killed:
            self.installation.faults.disarm()
            self._start_again("killed")
        except DBAPIError:
            self._say("the round broke off")
        finally:
            self.installation.faults.disarm()
        self.counts["rounds of the publisher"] += 1
        self.watch.look(publisher.shelf)
