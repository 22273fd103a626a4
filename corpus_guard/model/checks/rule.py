"""What all findings of one rule on a model's files share."""

from dataclasses import dataclass

from corpus_guard.probe_types import FileFinding
from corpus_guard.types import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule by its id, and what to do about whatever it finds."""

    id: str
    advice: str

    def finding(
        self, severity: Severity, file: str, title: str, message: str, **evidence: int | str
    ) -> FileFinding:
        """Return a finding of this rule."""
        return FileFinding(
            rule=self.id,
            severity=severity,
            title=title,
            message=message,
            file=file,
            advice=self.advice,
            evidence=evidence,
        )
