"""Every error addonkit raises on purpose, in one tree.

    AddonkitError                    prints as one line: attempted: found; advice
    ├── InvalidInput                 a value that can never be right
    │   ├── InvalidName              an app, instance, alias or variable name
    │   ├── InvalidReference         an addon spec or an image reference
    │   ├── InvalidSize              a storage size
    │   └── UnwritableValue          a variable's value that a file format cannot hold
    ├── NotFound
    │   ├── UnknownAddon
    │   ├── UnknownVariant
    │   ├── UnknownVersion           no program or image of that version can run here
    │   ├── UnknownApp
    │   ├── UnknownInstance
    │   ├── UnknownExecution
    │   ├── UnknownBackup
    │   └── ImageNotFound            the registry has no such image
    ├── ImageDenied                  the registry does not let us see the image
    ├── Conflict
    │   ├── AlreadyExists
    │   ├── RevisionConflict         another process wrote the entity since it was read
    │   └── Busy                     another process works on it right now
    ├── NotConfigured                an addon needs settings that its operator has not given
    ├── BackupError                  a backup could not be written, read or removed
    │   ├── ArchiveDamaged           its archive was changed, is cut, or does not open with the key
    │   └── DataDiffer               two places that should hold the same data do not
    ├── InstanceFailed               what was asked for did not come about; the instance says why
    ├── AddonFault                   carries addon, distribution and version
    │   ├── AddonBroken              does not import, register or define itself
    │   ├── AddonNotInstalled        its instances exist, its distribution does not
    │   └── ContractViolation        answered a hook with something the contract forbids
    ├── SagaError
    │   ├── SagaDefinitionError      found when the saga is defined: a bug of its author
    │   ├── SagaFailed               a step failed; all that was done is undone
    │   ├── SagaBlocked              an undo keeps failing; an operator decides
    │   ├── SagaRefused              an execution of another shape is not continued
    │   └── LeaseLost                another process has taken the work over
    ├── ComputeError
    │   ├── ProgramNotFound
    │   ├── NoFreePort
    │   ├── PoolGone
    │   ├── PoolCrashed              carries the end of the server's log
    │   ├── PoolTimeout              carries the end of the server's log
    │   └── CommandFailed            a command run beside a server failed
    ├── StoreError
    │   ├── StoreUnavailable         the home cannot be read or written
    │   ├── HomeCopied               the home is a copy of another one that is in its place
    │   ├── StoreFull
    │   ├── StoreCorrupted
    │   └── StoreTooNew
    ├── SecretError                  a sealed value cannot be opened
    └── TransientError               also Retryable: worth trying again after a while
        ├── RegistryUnreachable      an image registry does not answer, or not as one
        └── ServerFull               a server has no connection left, not even for its administrator

By `Retryable` the saga engine tells a fault that passes from one that stays. By `NothingDone` a step says that it had
no effect. Any exception class may carry them.
"""

from __future__ import annotations

from typing import Any


class Retryable(Exception):
    """Mark of an exception whose cause may pass: the engine tries the step again."""


class NothingDone(Exception):
    """Mark of an exception that a step raises when it had no effect: its own undo is not run.

    For a service that refuses the sign-in or cannot be reached: an undo would fail for the same reason. The undo runs
    all the same when another try of the step failed without the mark, or was interrupted. Earlier steps are undone.
    """


class AddonkitError(Exception):
    """An expected error, printed as one line.

    Args:
        attempted: what was tried, as "cannot ..." or "creating ...".
        found: what stood in the way.
        advice: what to do about it; may be empty.
        details: fields for programs, shown by `--json`; never secrets.
    """

    def __init__(self, attempted: str, found: str, advice: str = "", **details: Any) -> None:
        self.attempted = attempted
        self.found = found
        self.advice = advice
        self.details = details
        super().__init__(attempted, found, advice)

    def __str__(self) -> str:
        line = f"{self.attempted}: {self.found}"
        return f"{line}; {self.advice}" if self.advice else line


class InvalidInput(AddonkitError):
    """A value that can never be right."""


class InvalidName(InvalidInput):
    """An app, instance, alias or variable name outside its grammar."""


class InvalidReference(InvalidInput):
    """An addon spec or image reference that does not parse."""


class InvalidSize(InvalidInput):
    """A storage size that does not parse."""


class UnwritableValue(InvalidInput):
    """A variable's value that a file format cannot hold; `key` in `details` is its name."""


class NotFound(AddonkitError):
    """Something named does not exist."""


class UnknownAddon(NotFound):
    """No installed distribution provides this addon."""


class UnknownVariant(NotFound):
    """The addon has no variant of this name."""


class UnknownVersion(NotFound):
    """No program or image of this version can be run here."""


class UnknownApp(NotFound):
    """No app of this name has addons or variables."""


class UnknownInstance(NotFound):
    """No instance answers to this name."""


class UnknownExecution(NotFound):
    """No saga execution has this id."""


class UnknownBackup(NotFound):
    """The repository has no such backup."""


class ImageNotFound(NotFound):
    """The registry has no such image; `image` and `registry` are in `details`."""


class ImageDenied(AddonkitError):
    """The registry does not let us see the image; `image` and `registry` are in `details`.

    Registries answer the same for a private image and one that does not exist, so it may be either.
    """


class Conflict(AddonkitError):
    """The request does not fit what is there now."""


class AlreadyExists(Conflict):
    """The thing to create is there already."""


class RevisionConflict(Conflict):
    """Another process wrote the entity since it was read."""


class Busy(Conflict, Retryable):
    """Another process works on this right now."""


class NotConfigured(AddonkitError):
    """The addon needs settings that the operator has not given; `addon` and `missing` are in `details`."""


class InstanceFailed(AddonkitError):
    """The operation failed; `instance` in `details` is the name of its instance."""


class BackupError(AddonkitError):
    """A backup could not be written, read or removed."""


class ArchiveDamaged(BackupError):
    """The archive was changed, is cut, or does not open with the key."""


class DataDiffer(BackupError):
    """Two places that should hold the same data do not; `differences` in `details` names each part."""


class AddonFault(AddonkitError):
    """An addon did something wrong, or is not there; carries who it is.

    `addon`, `distribution` and `version` are in `details`; unknown ones are empty.
    """

    def __init__(
        self,
        attempted: str,
        found: str,
        advice: str = "",
        *,
        addon: str = "",
        distribution: str = "",
        version: str = "",
    ) -> None:
        super().__init__(attempted, found, advice, addon=addon, distribution=distribution, version=version)
        self.addon = addon
        self.distribution = distribution
        self.version = version


class AddonBroken(AddonFault):
    """The addon does not import, register or define itself."""


class AddonNotInstalled(AddonFault):
    """Instances of the addon exist; the distribution that knows them is not installed."""


class ContractViolation(AddonFault):
    """The addon answered a hook with something the contract forbids."""


class SagaError(AddonkitError):
    """Something about a saga or one of its executions."""


class SagaDefinitionError(SagaError):
    """The saga cannot work as written; raised when it is defined."""


class SagaFailed(SagaError):
    """A step failed and everything done was undone. `step` and `reason` are in `details`."""


class SagaBlocked(SagaError):
    """An undo keeps failing; an operator retries or abandons the execution."""


class SagaRefused(SagaError):
    """An execution of another shape exists under this id; nothing was run."""


class LeaseLost(SagaError):
    """Another process has taken over; this one stops without touching anything."""


class ComputeError(AddonkitError):
    """Something about pools, services, disks or programs."""


class ProgramNotFound(ComputeError):
    """No directory on this machine holds the executables a server needs."""


class NoFreePort(ComputeError, Retryable):
    """Every port of the configured range is taken."""


class PoolGone(ComputeError):
    """The pool was deleted while a task waited for it."""


class PoolCrashed(ComputeError):
    """The server ended by itself. The end of its log is part of the message."""


class PoolTimeout(ComputeError):
    """The server runs but was not ready in time. The end of its log is part of the message."""


class CommandFailed(ComputeError):
    """A command run beside a server ended with a non-zero status or ran out of time."""


class StoreError(AddonkitError):
    """Something about the state store."""


class StoreUnavailable(StoreError):
    """The home directory or its state file cannot be read or written."""


class HomeCopied(StoreError):
    """The home is a copy of another one, in `details` as `original`, and was not adopted."""


class StoreFull(StoreError):
    """No space is left for the state file."""


class StoreCorrupted(StoreError):
    """The state file is damaged; it was copied aside and is not written to."""


class StoreTooNew(StoreError):
    """The state file was written by a newer addonkit."""


class SecretError(AddonkitError):
    """A sealed value cannot be opened with this key, or was moved to another row."""


class TransientError(AddonkitError, Retryable):
    """Worth trying again after a while: the cause is expected to pass."""


class ServerFull(TransientError):
    """A server has no connection left, not even for its administrator; a shared one is restarted to let a tenant go."""


class RegistryUnreachable(TransientError):
    """An image registry does not answer, or not as one; `image` and `registry` are in `details`."""
