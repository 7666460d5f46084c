"""Where the sun stands when a morning satellite passes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from hrgldd_core.synthetic.noise import FloatArray

__all__ = ["Sun", "morning", "sun_at"]


@dataclass(frozen=True)
class Sun:
    """Direction to the sun.

    Attributes:
        azimuth: radians clockwise from north.
        elevation: radians above the horizon.
    """

    azimuth: float
    elevation: float

    def illumination(self, gradient: FloatArray) -> FloatArray:
        """Cosine of the sun's incidence relative to flat ground: (y, x), 0 where self-shadowed.

        Args:
            gradient: (2, y, x) rise per metre towards the next column (east) and row (south).
        """
        east, south = gradient
        toward = south * np.cos(self.azimuth) - east * np.sin(self.azimuth)
        cosine = np.sin(self.elevation) + np.cos(self.elevation) * toward
        cosine /= np.sqrt(1 + east**2 + south**2)
        relative: FloatArray = (np.maximum(cosine, 0) / np.sin(self.elevation)).astype(np.float32)
        return relative


def morning(day: dt.date, longitude: float, *, hour: float) -> dt.datetime:
    """UTC of a local solar ``hour`` at ``longitude`` degrees, to the second."""
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
    return midnight + dt.timedelta(seconds=round((hour - longitude / 15) * 3600))


def sun_at(day: dt.date, latitude: float, *, hour: float) -> Sun:
    """The sun at a local solar ``hour`` (before noon), kept 30 to 75 degrees high."""
    phase = 2 * np.pi * (day.timetuple().tm_yday + 10) / 365.25
    declination = -np.radians(23.44) * np.cos(phase)
    turn, phi = np.radians(15 * (hour - 12)), np.radians(latitude)
    sine = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(turn)
    azimuth = np.arctan2(
        -np.cos(declination) * np.sin(turn),
        np.cos(phi) * np.sin(declination) - np.sin(phi) * np.cos(declination) * np.cos(turn),
    )
    low, high = np.radians((30, 75))
    return Sun(float(azimuth), float(np.clip(np.arcsin(np.clip(sine, -1, 1)), low, high)))
