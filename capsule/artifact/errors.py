"""The one error of artifacts, and the next steps it names."""

from __future__ import annotations

from capsule.errors import CapsuleError

BUILD = "capsule build --export FILE.py"
AGAIN = f"copy it here once more, or make it again: {BUILD}"
UPDATE = f"update capsule, or make it again with this one: {BUILD}"


class ArtifactError(CapsuleError):
    """Raised when an artifact cannot be written, or cannot be read or believed.

    Whoever finds out says what is wrong; whoever knows which file it is about puts its name in
    front with `of`.
    """

    code = "artifact_error"

    def __init__(self, message: str, *, hint: str | None = BUILD) -> None:
        super().__init__(message, hint=hint)

    def of(self, name: str) -> ArtifactError:
        """Return the same error with the name of the file in front."""
        return ArtifactError(f"{name}: {self.message}", hint=self.hint)
