"""Money: `Decimal` for programs, ten-thousandths in bytes, text in JSON. Never a float."""

from __future__ import annotations

from decimal import Context, Decimal

# A context of its own: that of the program may round to few digits.
_EXACT = Context(prec=60)


def units(money: Decimal) -> int:
    """Returns an amount in ten-thousandths: 1.40 is 14000.

    Raises TypeError for anything but a Decimal, and ValueError for more than four decimals.
    """
    if not isinstance(money, Decimal):
        raise TypeError(wrong_type(money))
    if not money.is_finite():
        raise ValueError(f"{money} is no amount of money")
    if money and not -40 < money.adjusted() < 30:
        raise ValueError(f"{money} is out of range")
    scaled = money.scaleb(4, _EXACT)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{money} has more than four decimals")
    return whole


def wrong_type(money: object) -> str:
    """Returns the message for an amount of another type."""
    kind = type(money).__name__
    article = "an" if kind[:1] in "aeiou" else "a"
    shown = str(money) if isinstance(money, (int, float, str)) else "..."
    return f'money is a decimal.Decimal, and {money!r} is {article} {kind}: write Decimal("{shown}")'


def show(units: int, decimals_min: int = 2) -> str:
    """Returns ten-thousandths as text: 14000 is "1.40"."""
    whole, decimals = divmod(abs(units), 10_000)
    text = f"{decimals:04}".rstrip("0").ljust(decimals_min, "0")
    sign = "-" if units < 0 else ""
    return f"{sign}{whole}.{text}" if text else f"{sign}{whole}"


def decimal(units: int, decimals_min: int = 2) -> Decimal:
    """Returns ten-thousandths as a Decimal: 14000 is Decimal("1.40")."""
    return Decimal(show(units, decimals_min))
