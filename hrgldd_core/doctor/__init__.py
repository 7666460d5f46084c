"""Is this installation able to work? Each check says what it found and, if need be, what to do."""

from hrgldd_core.doctor.examine import examine
from hrgldd_core.doctor.finding import Finding

__all__ = ["Finding", "examine"]
