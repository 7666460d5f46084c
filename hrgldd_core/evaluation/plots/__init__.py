"""Figures of a comparison, as SVG; colours that colour-blind readers tell apart."""
