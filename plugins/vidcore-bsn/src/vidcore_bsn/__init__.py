"""Boundary-Sensitive Network: boundaries first, then candidates, then how well each fits."""
